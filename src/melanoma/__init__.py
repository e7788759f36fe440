"""Train, evaluate and compare melanoma classifiers on dermoscopy images."""

__version__ = "0.1.0"
