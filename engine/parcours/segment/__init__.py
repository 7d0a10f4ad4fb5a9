"""The codec of lines: calls of Segment's spec, and reports of providers, as JSON."""
