"""What survives a crash: the store's promise, the bytes it keeps, and where it keeps them."""
