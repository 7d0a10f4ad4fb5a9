"""Which versions of a project hold: the ledger of what is published, and the program that follows from it."""
