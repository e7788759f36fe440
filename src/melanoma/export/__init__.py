"""A checkpoint -> files that other programs read."""
