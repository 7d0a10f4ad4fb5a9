"""Scores of people: features as numbers, models read from files, and what they say of somebody."""
