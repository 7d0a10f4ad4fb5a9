"""The compiler of campaigns and tables."""
