"""All options of `melanoma-eval`."""

from dataclasses import dataclass
from typing import Any

from melanoma.config.data import DataConfig, ReaderConfig
from melanoma.config.views import ViewsConfig
from melanoma.schema import bounds


@dataclass
class EvalDataConfig:
    """Replaces single values of the checkpoint's data config; null keeps the checkpoint's."""

    root: str | None = bounds()
    csv: list[str] | None = bounds()
    splits: str | None = bounds()
    """null: the splits that the checkpoint holds."""
    duplicates: str | None = bounds()
    on_error: str | None = bounds(choices=("fail", "skip"))
    max_bad_fraction: float | None = bounds(at_least=0, at_most=1)


@dataclass
class ScoringConfig(ViewsConfig):
    """Which checkpoints score which images, and how."""

    checkpoint: list[str] = bounds()
    """Files, or directories that `melanoma-train` wrote: a run's best epoch, or those of all of a sweep's jobs."""
    ensemble: str = bounds(choices=("logits", "ranks", "folds"))
    """Of several checkpoints: their mean logit, their mean rank within the images scored; or each fold of a k-fold
    split by the checkpoint that has not seen it."""
    calibrate: str | None = bounds(choices=("temperature", "platt", "isotonic", "prior"))
    """Fits a calibration on the validation patients, and writes a checkpoint that holds it; null keeps the checkpoint's
    own, if it has one."""
    split: str | None = bounds(choices=("train", "val", "test", "all"))
    """null: test for the checkpoint's own data set, all for another one or for new images."""
    device: str = bounds(choices=("auto", "cpu", "cuda"))
    data: Any = bounds(pick=lambda values: DataConfig if "name" in values else EvalDataConfig)
    """A whole data config for another data set, else single values to replace in the checkpoint's own."""
    reader: ReaderConfig | None = bounds()
    cache: str = bounds()
    """Folder for what can be made again: indexes and fingerprints of images."""
    workers: int | None = bounds(at_least=0)

    def __post_init__(self) -> None:
        if self.ensemble == "folds":
            self._require_folds_alone()

    def _require_folds_alone(self) -> None:
        if self.split not in (None, "test"):
            raise ValueError(f"ensemble=folds scores the test split of every fold; leave split={self.split} out")
        if isinstance(self.data, DataConfig):
            raise ValueError(
                f"ensemble=folds scores the folds' own images; leave data={self.data.name} out, or use ensemble=logits"
            )
        if self.data.splits is not None:
            raise ValueError("ensemble=folds scores the folds that were drawn in training; leave data.splits out")


@dataclass
class ChecksConfig:
    """How hard heat maps are put to the test."""

    draws: int = bounds(at_least=1)
    """Models with random weights that each map is compared with, at each of three depths."""
    orders: int = bounds(at_least=1)
    """Random maps that deletion and insertion are compared with, for each image."""
    steps: int = bounds(at_least=2, at_most=100)
    """In which all pixels of an image are deleted or inserted."""


@dataclass
class EvalConfig(ScoringConfig):
    """All that `melanoma-eval` needs."""

    predictions: str | None = bounds()
    """Instead of a checkpoint, a CSV with image_name, target and probability, and what else is known of the images."""
    threshold: float | None = bounds(at_least=0, at_most=1)
    """Probability from which an image is called malignant; null takes the checkpoint's, or 0.5 for `predictions`."""
    overlap: str = bounds(choices=("drop", "keep", "fail"))
    """On another data set, images that the model was trained or validated on: leave them out; score them, which is no
    evidence; or end."""
    internal: str | None = bounds()
    """Beside another data set, what the checkpoint's own test split gives. auto: score it, if its data can be read.
    Else the directory of an earlier melanoma-eval of that split; null shows none."""
    prevalences: list[float] = bounds(above=0, below=1)
    """Shares of melanomas for which predictive values and net benefit are told."""
    shortcuts: bool = bounds()
    """Scores altered images for the shortcut audit, in 15 times the forward passes; false leaves that part out."""
    min_tpr: float = bounds(at_least=0, below=1)
    """True positive rate from which on the partial AUC counts."""
    explain: str | None = bounds(choices=("grad_cam", "attention"))
    """Draws a heat map over each image of the gallery; attention needs a variant that has one of its own."""
    explain_count: int = bounds(at_least=0)
    """How many of the most wrong images of each kind the gallery shows."""
    explain_images: list[str] = bounds()
    """Names of further images to explain."""
    explain_checks: ChecksConfig = bounds()
    bootstrap_draws: int = bounds(at_least=100)
    seed: int = bounds(at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.checkpoint) == bool(self.predictions):
            raise ValueError("give either checkpoint=FILE or predictions=FILE.csv")
        if self.predictions is not None and self.calibrate:
            raise ValueError("calibrate needs a checkpoint and its validation images; leave it out with predictions")
        if self.predictions is not None and self.internal not in (None, "auto"):
            raise ValueError("internal stands beside what a checkpoint scores; leave it out with predictions")
        if self.predictions is not None and self.explain:
            raise ValueError("explain needs a checkpoint and its images; leave it out with predictions")
        self._refuse_what_scores_images()
        if self.explain_images and not self.explain:
            raise ValueError("explain_images names images to explain; add explain=grad_cam or explain=attention")

    def _refuse_what_scores_images(self) -> None:
        chosen = {
            "split": self.split is not None,
            "data": isinstance(self.data, DataConfig),
            "tta": self.tta != "none",
            "crops": self.crops != 1,
            "ensemble": self.ensemble != "logits",
        }
        if self.predictions is not None and any(chosen.values()):
            names = " and ".join(name for name, is_chosen in chosen.items() if is_chosen)
            raise ValueError(f"{names} would choose what a checkpoint scores, and how; leave it out with predictions")
