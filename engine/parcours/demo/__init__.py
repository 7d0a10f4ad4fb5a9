"""The Luma shop: a project, a clickstream and local providers that show the whole engine at work."""
