"""Facts as tables that can be asked in SQL, by DuckDB over the exported files and what is not exported yet."""
