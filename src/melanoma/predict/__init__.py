"""Images that nobody has labelled -> predictions."""
