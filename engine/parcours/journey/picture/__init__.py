"""How is a journey or a campaign drawn? Words, then places, then SVG."""
