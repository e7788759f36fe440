"""The words of the canonical table; a batch holds a site, or a sex, as its place here, from 1, and 0 for unknown."""

SITES = ("head/neck", "upper extremity", "lower extremity", "torso", "palms/soles", "oral/genital")
SEXES = ("male", "female")
METADATA = ("sex", "age_approx", "anatom_site_general_challenge")
"""Columns that a model may use beside the image."""
