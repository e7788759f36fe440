"""The words of the canonical table; a batch holds each as its place here, from 1, and 0 for unknown."""

SITES = ("head/neck", "upper extremity", "lower extremity", "torso", "palms/soles", "oral/genital")
SEXES = ("male", "female")
