"""The engine as Python callers see it: the façade, the async `Service`, the `Engine` around it, and their host."""
