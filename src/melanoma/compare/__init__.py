"""Several trained models on the same test patients: which differences are more than chance."""
