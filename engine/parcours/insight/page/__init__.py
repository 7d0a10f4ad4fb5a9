"""Pages: what is told becomes one HTML text without script, template language or anything from elsewhere."""
