"""Options of the loop, and of what changes its training images."""

from dataclasses import dataclass

from melanoma.schema import bounds

AUTO = 0
"""A batch size that is still to be found."""


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
    batch_size: int = bounds(at_least=1, words={"auto": AUTO})
    """Images that a process reads and computes at once; auto finds how many the memory holds, and keeps to it."""
    accumulate: int = bounds(at_least=1)
    """Batches an optimiser step: their gradients are those of one batch as large as all of them, in one's memory."""
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
    schedule: str = bounds(choices=("plateau", "cosine"))
    """plateau: the rate falls when the validation AUC stops rising. cosine: it rises over the warm-up, then falls to
    the last epoch."""
    plateau_factor: float = bounds(above=0, below=1)
    plateau_patience: int = bounds(at_least=0)
    """Epochs without a better validation AUC before the learning rate is multiplied by the factor."""
    warmup_epochs: float = bounds(at_least=0)
    """Of the cosine schedule; a part of an epoch is allowed."""
    min_lr_fraction: float = bounds(at_least=0, at_most=1)
    """What the cosine schedule leaves of the learning rate at the end."""
    clip_norm: float | None = bounds(above=0)
    """Longest gradient of a step; null does not clip."""
    max_skipped_steps: int = bounds(at_least=1)
    """A step whose loss or gradient is not finite is skipped; so many in a row end the run."""
    ema_decay: float | None = bounds(above=0, below=1)
    """Average the weights over the last 1 / (1 - decay) steps or so, and validate and keep the average; null: no."""
    early_stopping_patience: int = bounds(at_least=1)
    """Epochs without a better validation AUC before training ends."""
    precision: str = bounds(choices=("auto", "fp32", "bf16", "fp16"))
    """auto: on CUDA bf16 where it is native, else fp16 with a gradient scaler; on CPU fp32."""
    tf32: bool = bounds()
    """Let a GPU round what fp32 products multiply to 10 bits: faster, and seldom noticed."""
    channels_last: bool = bounds()
    fused: bool = bounds()
    """One pass of the optimiser over all weights, not one for each."""
    compile: bool = bounds()
    """Have torch.compile fuse the network's operations: minutes at the start, faster steps on a GPU after that."""
    activation_checkpointing: bool = bounds()
    """Compute activations again in the backward pass instead of keeping them: less memory, a third more time."""
    sync_batch_norm: bool = bounds()
    """With several processes on GPUs: batch norms see the batches of all."""
    checkpoint_minutes: float | None = bounds(above=0)
    """Save the run within an epoch so often; null: after each epoch alone."""

    def __post_init__(self) -> None:
        if self.schedule == "cosine" and self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"training.warmup_epochs={self.warmup_epochs:g} leaves nothing of training.epochs={self.epochs}"
            )
