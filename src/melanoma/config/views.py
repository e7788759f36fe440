"""In which views an image is scored."""

from dataclasses import dataclass

from melanoma.schema import bounds


@dataclass
class ViewsConfig:
    """What every command that scores images takes."""

    tta: str = bounds(choices=("none", "flip", "dihedral"))
    """Views of an image whose logits are averaged: itself; with its two mirror images and both together; the eight
    symmetries of the square."""
    crops: int = bounds(choices=(1, 5))
    """1: the whole image. 5: the corners and the centre of a larger picture, averaged, each in the views of `tta`."""
    crop_scale: float = bounds(above=0, at_most=1)
    """Side of a crop as a share of the larger picture's; a crop has the size that the model was trained at."""
