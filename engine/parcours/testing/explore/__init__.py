"""Generated traffic against a project, and what has to hold whatever people do."""
