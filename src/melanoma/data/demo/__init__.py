"""A dermoscopy-like data set drawn from a seed, with a known rule behind its labels (see `rule`)."""

from melanoma.data.demo.cases import draw_cases
from melanoma.data.demo.dataset import draw
from melanoma.data.demo.lesion import lesion_mask
from melanoma.data.demo.picture import draw_picture

__all__ = ["draw", "draw_cases", "draw_picture", "lesion_mask"]
