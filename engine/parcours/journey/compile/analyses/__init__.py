"""The compiler of insight/*.yaml."""
