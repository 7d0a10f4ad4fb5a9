"""What an author writes: documents, their check, and the program that they compile to."""
