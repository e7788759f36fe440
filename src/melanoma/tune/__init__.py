"""Many trainings, each with other values of some options, to find good ones."""
