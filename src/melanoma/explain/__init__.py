"""Where in an image the score of a model reacts, and the figures that say whether to believe such a map."""
