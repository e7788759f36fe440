"""Options of the network: those of every variant, and each variant's own."""

from dataclasses import dataclass

from melanoma.schema import bounds


@dataclass
class ModelConfig:
    """What every variant has."""

    name: str = bounds()
    backbone: str = bounds()
    """Any timm model name."""
    pretrained: bool = bounds()
    """Start from ImageNet weights: the download, or the file in `weights`."""
    weights: str | None = bounds()
    """A local .safetensors or .pth file with the backbone's weights."""
    drop_rate: float = bounds(at_least=0, below=1)
    """Dropout before the classifier."""
    drop_path: float = bounds(at_least=0, below=1)
    """Stochastic depth in the backbone: the share of its deepest block's outputs that are left out in training."""
    freeze_backbone: bool = bounds()
    """Train what follows the backbone alone; its batch statistics stay as they are too, and it drops no paths."""
    output_stride: int | None = bounds(choices=(8, 16, 32))
    """Image pixels a cell of the last feature map, for networks that can be dilated; null takes the network's own."""

    def __post_init__(self) -> None:
        if self.weights is not None and not self.pretrained:
            raise ValueError("model.weights is given, but model.pretrained=false leaves them unused; drop one")


@dataclass
class StandardConfig(ModelConfig):
    """One image, one classifier."""

    metadata: list[str] = bounds(choices=("sex", "age", "site"))
    """What the classifier is told beside the image."""
    metadata_dropout: float = bounds(at_least=0, below=1)
    """Chance that a field counts as unknown for an image in training."""


@dataclass
class MultiScaleConfig(ModelConfig):
    """The image and its half."""

    scales: str = bounds(choices=("both", "full", "half"))
    """full and half are each branch alone, to tell what the other adds."""
    shared_weights: bool = bounds()
    """Both branches have the same weights but for batch norms, or each has its own."""
    fusion: str = bounds(choices=("concat", "gated"))
    """concat: the classifier sees both. gated: a learnt weight in 0..1 mixes them, channel by channel."""


@dataclass
class SiteSpecificConfig(ModelConfig):
    """A branch a body site."""

    branch_width: int = bounds(at_least=1)
    """Hidden units of each branch."""
    branch_weight_decay: float = bounds(at_least=0)
    """Pulls a branch to zero, where it changes nothing; the fewer images a site has, the harder."""
    site_dropout: float = bounds(at_least=0, below=1)
    """Chance that a site counts as unknown for an image in training, so that the shared head learns to stand alone."""


@dataclass
class AttentionConfig(ModelConfig):
    """Transformer blocks over the cells of the feature map."""

    width: int = bounds(at_least=4)
    heads: int = bounds(at_least=1)
    depth: int = bounds(at_least=1)
    """Number of blocks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads or self.width % 4:
            raise ValueError(
                f"model.width={self.width} must be a multiple of 4 and of model.heads={self.heads}; try "
                f"model.width={4 * self.heads * max(1, round(self.width / (4 * self.heads)))}"
            )


@dataclass
class SelfAttentionConfig(AttentionConfig):
    """Cells attend to each other."""


@dataclass
class CrossAttentionConfig(AttentionConfig):
    """Metadata attend to cells."""

    metadata_dropout: float = bounds(at_least=0, below=1)
    """Chance that a field counts as unknown for an image in training."""


VARIANTS: dict[str, type[ModelConfig]] = {
    "standard": StandardConfig,
    "multi_scale": MultiScaleConfig,
    "site_specific": SiteSpecificConfig,
    "self_attention": SelfAttentionConfig,
    "cross_attention": CrossAttentionConfig,
}
"""The options that each `model.name` has."""
