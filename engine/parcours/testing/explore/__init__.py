"""Property-based testing of projects: generated traffic, and properties that hold whatever people do."""
