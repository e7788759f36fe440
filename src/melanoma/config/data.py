"""Options of a data set: where it lies, what its words mean, how it is split."""

from dataclasses import dataclass

from melanoma.schema import bounds


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
    folds: int | None = bounds(at_least=2)
    """Deal the patients out to so many folds; `fold` is the test split, and `test_fraction` is not used."""
    fold: int | None = bounds(at_least=0)
    """Which of the folds, from 0."""
    extra: str = bounds(choices=("train", "all"))
    """Which splits the images of data.extra may join."""

    def __post_init__(self) -> None:
        if self.folds is None and self.fold is None:
            return
        if self.folds is None:
            raise ValueError(f"split.fold={self.fold} needs split.folds=NUMBER: how many folds there are")
        if self.fold is None:
            raise ValueError(f"split.folds={self.folds} needs split.fold: which of 0 to {self.folds - 1} is tested on")
        if self.fold >= self.folds:
            raise ValueError(f"split.fold={self.fold} is not one of split.folds={self.folds}: 0 to {self.folds - 1}")
        if self.test_folds or self.val_folds:
            raise ValueError(
                "split.folds draws folds, and split.test_folds and split.val_folds take them from a column; drop one"
            )


def refuse_two_splits(data: DataConfig, split: SplitConfig) -> None:
    """Raise ValueError if a file gives the splits and folds are to be drawn, too."""
    if data.splits is not None and split.folds is not None:
        raise ValueError(
            f"split.folds={split.folds} draws the splits, and data.splits={data.splits} gives them; drop one "
            "(data.splits=null, split.folds=null)"
        )
