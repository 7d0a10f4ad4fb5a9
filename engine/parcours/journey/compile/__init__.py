"""How checked documents become the program that the core runs."""
