"""What does a template mean: the dialect of Liquid in which messages are written, and its bounds."""
