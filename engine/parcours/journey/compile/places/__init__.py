"""The compiler of places: documents and files of GeoJSON to shapes with rules."""
