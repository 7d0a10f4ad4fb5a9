"""What an author may write: one closed, frozen model for each kind of document."""
