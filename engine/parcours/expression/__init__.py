"""What an author writes as a condition or a value: CEL text, compiled once to functions that never raise."""
