"""Where a person is: what is remembered of it, and by which rules she enters and leaves places."""
