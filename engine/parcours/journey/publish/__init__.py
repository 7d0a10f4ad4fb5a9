"""Publishing: the ledger of what is published, and the program that follows from it."""
