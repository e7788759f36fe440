"""The config dataclasses, and `resolve`, the only door from YAML to Python.

The YAML files under `CONFIG_DIR` hold every default; the classes hold types, bounds and meaning. They are not
frozen: OmegaConf would make them read-only, and composing would fail.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import hydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from melanoma.errors import ConfigError
from melanoma.schema import bounds, build

_PACKAGED = Path(__file__).parent / "configs"
CONFIG_DIR = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "configs"
"""The YAML folder: inside the package when installed from a wheel, else the repository's."""

T = TypeVar("T")


@dataclass
class DemoConfig:
    """What the demo data set shows; see `melanoma.data.demo` for the rule behind its labels."""

    seed: int = bounds(at_least=0)
    patients: int = bounds(at_least=1)
    images_per_patient: float = bounds(at_least=1)
    """Mean; the number of a patient's images varies around it."""
    image_size: int = bounds(at_least=16, at_most=4096)
    """Side of the square pictures, in pixels."""
    prevalence: float = bounds(above=0, below=1)
    """Share of images with target 1."""
    noise: float = bounds(at_least=0)
    """Standard deviation of the noise in the rule, in units of the signal's standard deviation."""
    site_effect: bool = bounds()
    """Plant a feature whose meaning flips between body sites."""
    texture_effect: bool = bounds()
    """Plant a signal that vanishes when the image is halved."""


@dataclass
class ReaderConfig:
    """One image format."""

    name: str = bounds()
    suffixes: list[str] = bounds()
    """File endings to look for, in this order."""


@dataclass
class ColumnsConfig:
    """The CSV's own name for each column of the canonical table; null where the CSV has none."""

    image_name: str = bounds()
    patient_id: list[str] = bounds()
    """The first of these that is not blank names the group that no two splits may share."""
    lesion_id: str | None = bounds()
    sex: str | None = bounds()
    age_approx: str | None = bounds()
    anatom_site_general_challenge: str | None = bounds()
    target: list[str] | None = bounds()
    """One column, or the one-hot columns of which one is 1; that one's name is then the word in `labels`."""
    fold: str | None = bounds()
    """A whole number that says the row's fold; a row with a negative one is left out."""


@dataclass
class CodesConfig:
    """The word behind each whole number, from 0, where records hold numbers; a negative one means unknown."""

    sex: list[str] = bounds()
    anatom_site_general_challenge: list[str] = bounds()


@dataclass
class DataConfig:
    """One data set: where it lies, and how its CSV becomes the canonical table."""

    name: str = bounds()
    root: str = bounds()
    """Folder that holds the CSV and the images; nothing outside it is read."""
    csv: list[str] | None = bounds()
    """The metadata file, below root; several are joined by image name. null takes what the image files say."""
    images: dict[str, str] = bounds()
    """For each reader, the folder of its files, below root."""
    reader: ReaderConfig | None = bounds()
    """The format of this data set's images; null takes the run's."""
    name_ending: str = bounds()
    """Ending of image names, in CSV and files, that is not part of the name, such as _downsampled."""
    duplicates: str | None = bounds()
    """A CSV with image_name_1 and image_name_2, below root; the second of each pair is left out."""
    columns: ColumnsConfig = bounds()
    labels: dict[str, int] = bounds()
    """What the target column may say, and whether that is 0 or 1."""
    sexes: dict[str, str] = bounds()
    sites: dict[str, str] = bounds()
    """The data set's words for a body site, in lower case -> one of the six canonical sites."""
    codes: CodesConfig = bounds()
    missing: list[str] = bounds()
    """Words that mean "not known" in sex, age, site, lesion and patient, in lower case."""
    splits: str | None = bounds()
    """A splits.csv to use instead of drawing new splits."""
    on_error: str = bounds(choices=("fail", "skip"))
    """What an unreadable image does: end the run, or be counted, listed and left out."""
    max_bad_fraction: float = bounds(at_least=0, at_most=1)
    """With on_error=skip: the share of unreadable images above which the run ends all the same."""
    leaks: str = bounds(choices=("ids", "images", "strict"))
    """What is compared between splits before training: patient and lesion ids; also the images, where identical ones
    end the run and near-duplicates are told; or near-duplicates end it too."""
    source: str = bounds()
    """How the data set is obtained: shown when it is not found."""
    demo: DemoConfig | None = bounds()
    """Draw this data set below root when it is not there yet."""
    extra: "dict[str, DataConfig]" = bounds()
    """Further data sets to learn from, each under its name."""


@dataclass
class SplitConfig:
    """Shares of the patients; validation is a share of what the test split leaves."""

    test_fraction: float = bounds(at_least=0, below=1)
    val_fraction: float = bounds(above=0, below=1)
    seed: int = bounds(at_least=0)
    test_folds: list[int] = bounds()
    """With data.columns.fold: the folds that are the test split."""
    val_folds: list[int] = bounds()
    """With data.columns.fold: the folds that are the validation split; the others are learnt from."""
    extra: str = bounds(choices=("train", "all"))
    """Which splits the images of data.extra may join."""


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
    dropout: float = bounds(at_least=0, below=1)
    """Before the classifier."""

    def __post_init__(self) -> None:
        if self.weights is not None and not self.pretrained:
            raise ValueError("model.weights is given, but model.pretrained=false leaves them unused; drop one")


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


@dataclass
class TrainConfig:
    """All that `melanoma-train` needs."""

    seed: int = bounds(at_least=0)
    device: str = bounds(choices=("auto", "cpu", "cuda"))
    cache: str = bounds()
    """Folder for what can be made again: indexes and fingerprints of images."""
    data: DataConfig = bounds()
    reader: ReaderConfig = bounds()
    split: SplitConfig = bounds()
    model: ModelConfig = bounds()
    augment: AugmentConfig = bounds()
    training: TrainingConfig = bounds()


@dataclass
class EvalDataConfig:
    """Replaces single values of the checkpoint's data config; null keeps the checkpoint's."""

    root: str | None = bounds()
    csv: list[str] | None = bounds()
    splits: str | None = bounds()
    on_error: str | None = bounds(choices=("fail", "skip"))
    max_bad_fraction: float | None = bounds(at_least=0, at_most=1)


@dataclass
class EvalConfig:
    """All that `melanoma-eval` needs."""

    checkpoint: str = bounds()
    split: str | None = bounds(choices=("train", "val", "test", "all"))
    """null: test for the checkpoint's own data set, all for another one or for new images."""
    device: str = bounds(choices=("auto", "cpu", "cuda"))
    data: Any = bounds(pick=lambda values: DataConfig if "name" in values else EvalDataConfig)
    """A whole data config for another data set, else single values to replace in the checkpoint's own."""
    reader: ReaderConfig | None = bounds()
    cache: str = bounds()
    """Folder for what can be made again: indexes and fingerprints of images."""
    workers: int | None = bounds(at_least=0)
    bootstrap_draws: int = bounds(at_least=100)
    seed: int = bounds(at_least=0)


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


def compose(name: str, overrides: list[str]) -> DictConfig:
    """Compose a command's config without its command line.

    Raises:
        HydraException: if an override does not fit.
    """
    with hydra.initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        return hydra.compose(name, overrides=overrides)


def resolve(config: DictConfig, schema: type[T]) -> T:
    """Turn a composed config into `schema`.

    Raises:
        ConfigError: listing every missing, unknown, mistyped and out-of-range value at once.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(str(error).splitlines()[0]) from error
    return build(plain, schema)
