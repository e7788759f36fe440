"""All options of each command."""

from dataclasses import dataclass

from melanoma.config.data import DataConfig, ReaderConfig, SplitConfig, refuse_two_splits
from melanoma.config.evaluation import EvalDataConfig
from melanoma.config.model import VARIANTS, ModelConfig
from melanoma.config.training import AugmentConfig, TrainingConfig
from melanoma.schema import bounds


@dataclass
class TrainConfig:
    """All that `melanoma-train` needs."""

    seed: int = bounds(at_least=0)
    resume: str | None = bounds()
    """auto: go on from the newest good checkpoint in the run's directory, if there is one. Else a run's directory, or
    a checkpoint."""
    device: str = bounds(choices=("auto", "cpu", "cuda"))
    cache: str = bounds()
    """Folder for what can be made again: indexes and fingerprints of images."""
    data: DataConfig = bounds()
    reader: ReaderConfig = bounds()
    split: SplitConfig = bounds()
    model: ModelConfig = bounds(by_name=VARIANTS)
    augment: AugmentConfig = bounds()
    training: TrainingConfig = bounds()

    def __post_init__(self) -> None:
        if self.model.freeze_backbone and not self.model.pretrained:
            raise ValueError("model.freeze_backbone=true with model.pretrained=false keeps random features; drop one")
        refuse_two_splits(self.data, self.split)


@dataclass
class CompareConfig:
    """All that `melanoma-compare` needs."""

    runs: list[str] = bounds()
    """Directories that `melanoma-train` wrote; a sweep's stands for all of its jobs that have a checkpoint."""
    baseline: str | None = bounds()
    """The name of a run, as the table gives it: each other one is compared with it. null: every pair."""
    study: bool = bounds()
    """Show `reported` beside what is measured."""
    reported: dict[str, float] = bounds()
    """AUC by model.name, as printed elsewhere for other patients."""
    device: str = bounds(choices=("auto", "cpu", "cuda"))
    data: EvalDataConfig = bounds()
    cache: str = bounds()
    """Folder for what can be made again: indexes and fingerprints of images."""
    workers: int | None = bounds(at_least=0)
    bootstrap_draws: int = bounds(at_least=100)
    seed: int = bounds(at_least=0)

    def __post_init__(self) -> None:
        if self.data.splits is not None:
            raise ValueError("data.splits: runs are compared on the test split of their own checkpoints; leave it null")
        for name, auc in self.reported.items():
            if not 0 <= auc <= 1:
                raise ValueError(f"reported.{name}: an AUC is between 0 and 1, found {auc}")


@dataclass
class PrepareConfig:
    """All that `melanoma-prepare` needs."""

    out: str = bounds()
    """Folder for the resized images, the table, the splits and the audit."""
    images: bool = bounds()
    """false writes splits and audit from the CSV alone, and opens no image."""
    size: int = bounds(at_least=16, at_most=8192)
    """Of the stored images, in pixels."""
    fit: str = bounds(choices=("short_side", "crop", "pad", "squash"))
    """short_side keeps the shape, and leaves smaller images as they are; the others give squares, as in training."""
    format: str = bounds(choices=("jpeg", "tfrecord"))
    quality: int = bounds(at_least=50, at_most=100)
    """Of the JPEGs, in either format; colours keep the full resolution."""
    workers: int | None = bounds(at_least=1)
    """Threads; null takes one a core."""
    cache: str = bounds()
    """Folder for what can be made again: indexes and fingerprints of images."""
    data: DataConfig = bounds()
    reader: ReaderConfig = bounds()
    split: SplitConfig = bounds()

    def __post_init__(self) -> None:
        refuse_two_splits(self.data, self.split)
