"""One training run: `run` is the order of things, `loop` the epochs."""
