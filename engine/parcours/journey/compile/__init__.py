"""The compiler of projects: validated documents to the program that the core runs."""
