"""The document models: one closed, frozen model for each kind of document that an author may write."""
