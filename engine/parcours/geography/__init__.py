"""Where is a point: distances on the globe, circles and polygons on it, and which of many a point is near to."""
