"""Journeys as authors write them: documents, their validation, and the program that they compile to."""
