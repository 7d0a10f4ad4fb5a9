"""The compiler of offers.yaml."""
