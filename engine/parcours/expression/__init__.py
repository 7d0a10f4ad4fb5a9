"""The expression language of conditions and values: CEL text, compiled once to closures that never raise on data."""
