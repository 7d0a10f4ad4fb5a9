"""Campaigns: batches over sets of people."""
