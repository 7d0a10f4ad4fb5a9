"""Which offers somebody gets, and what is remembered of those that she got."""
