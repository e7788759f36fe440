"""Options of the loop, and of what changes its training images."""

from dataclasses import dataclass

from melanoma.schema import bounds


@dataclass
class AugmentConfig:
    """Random changes to training images; validation and test images get none."""

    flips: bool = bounds()
    quarter_turns: bool = bounds()
    probability: float = bounds(at_least=0, at_most=1)
    """Of turning and zooming by the values below, and of changing colours by them; each decided alone."""
    rotate_degrees: float = bounds(at_least=0, at_most=180)
    scale: float = bounds(at_least=0, below=1)
    """Zoom by up to this share, in or out."""
    brightness: float = bounds(at_least=0, at_most=1)
    contrast: float = bounds(at_least=0, at_most=1)
    saturation: float = bounds(at_least=0, at_most=1)
    hue: float = bounds(at_least=0, at_most=0.5)


@dataclass
class TrainingConfig:
    """The loop and its optimiser."""

    image_size: int = bounds(at_least=16, at_most=8192)
    """Side of the square the model sees, in pixels."""
    fit: str = bounds(choices=("squash", "crop", "pad"))
    """How an oblong image becomes a square."""
    epochs: int = bounds(at_least=1)
    batch_size: int = bounds(at_least=1)
    workers: int | None = bounds(at_least=0)
    """Loader processes; null takes a number that suits the device and its cores."""
    lr: float = bounds(above=0)
    betas: list[float] = bounds(at_least=0, below=1, length=2)
    weight_decay: float = bounds(at_least=0)
    layer_decay: float = bounds(above=0, at_most=1)
    """Each layer of the backbone learns at this share of the rate of the one after it; 1 gives all the same rate."""
    balance: str = bounds(choices=("weighted_loss", "sampler", "none"))
    """weighted_loss: a positive weighs as many times a negative as negatives outnumber positives. sampler: positives
    are drawn as often as negatives, with replacement, from the training split alone. Both teach the model a prevalence
    of one half, so its probabilities are too high where melanoma is rare; none keeps them, and learns slower."""
    plateau_factor: float = bounds(above=0, below=1)
    plateau_patience: int = bounds(at_least=0)
    """Epochs without a better validation AUC before the learning rate is multiplied by the factor."""
    early_stopping_patience: int = bounds(at_least=1)
    """Epochs without a better validation AUC before training ends."""
    precision: str = bounds(choices=("auto", "fp32", "bf16", "fp16"))
    """auto: on CUDA bf16 where it is native, else fp16 with a gradient scaler; on CPU fp32."""
    channels_last: bool = bounds()
