"""From a table of predictions to numbers, pictures and one page."""
