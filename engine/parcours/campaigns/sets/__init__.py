"""Sets of people on disk, and what is done with them."""
