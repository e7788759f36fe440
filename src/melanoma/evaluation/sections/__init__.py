"""Each part of the evidence as a section of the page."""
