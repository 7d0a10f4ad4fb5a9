"""Journey tests: what people do, and what they should get, written as YAML beside the project."""
