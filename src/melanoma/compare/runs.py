"""Which run directories are compared, and whether they were tested on the same patients."""

import logging
import re
from pathlib import Path

import pandas as pd

from melanoma.errors import ConfigError, DataError
from melanoma.evaluation.report import counted

CHECKPOINT = Path("checkpoints/best.pt")

_log = logging.getLogger(__name__)


def find_runs(paths: list[str]) -> list[Path]:
    """Give the directory of every run, in the order given; a sweep's jobs by their numbers.

    Raises:
        ConfigError: if one is not there, holds no checkpoint or is named twice, or fewer than two are left.
    """
    runs = [run for path in paths for run in _runs_at(Path(path))]
    places: dict[Path, Path] = {}
    for run in runs:
        if (known := places.setdefault(run.resolve(), run)) is not run:
            raise ConfigError(f"runs: {known} and {run} are the same run; name it once")
    if len(runs) < 2:
        raise ConfigError(f"runs: {len(runs)} given; at least two are needed, as runs=[DIR,DIR] or a sweep's directory")
    return runs


def _runs_at(path: Path) -> list[Path]:
    if (path / CHECKPOINT).is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f"runs: {path} is not a directory; give those that melanoma-train wrote")
    jobs = sorted({folder.parent for folder in path.rglob(".hydra")} - {path}, key=_by_number)
    finished = [job for job in jobs if (job / CHECKPOINT).is_file()]
    if not finished:
        found = f"none of its {len(jobs)} jobs has one" if jobs else "no best epoch was saved there"
        raise ConfigError(f"runs: {path} has no {CHECKPOINT} ({found}); leave it out, or train it again")
    for job in jobs:
        if job not in finished:
            _log.warning("left out %s: it has no %s", job, CHECKPOINT)
    return finished


def _by_number(path: Path) -> list[tuple[int, str]]:
    return [(int(digits or 0), word) for digits, word in re.findall(r"(\d*)(\D*)", str(path))]


def require_same_rows(tables: dict[str, pd.DataFrame], way_out: str) -> None:
    """Raise DataError if two runs' tables differ in images, their patients or their targets."""
    (first, ours), *others = tables.items()
    for name, theirs in others:
        lacking = [_only_in(ours, theirs, first), _only_in(theirs, ours, name)]
        if any(lacking):
            raise DataError(
                f"runs {first} and {name} are not tested on the same images: {'; '.join(filter(None, lacking))}. "
                f"{way_out}"
            )
        _require_same_values(first, ours, name, theirs)


def _only_in(ours: pd.DataFrame, theirs: pd.DataFrame, name: str) -> str:
    images = ours[~ours["image_name"].isin(theirs["image_name"])]
    if images.empty:
        return ""
    patients = len(set(images["patient_id"]) - set(theirs["patient_id"]))
    found = f"{counted(len(images), 'image')} and {counted(patients, 'patient')} only in {name}"
    return f"{found}, such as {images['image_name'].iloc[0]}"


def _require_same_values(first: str, ours: pd.DataFrame, name: str, theirs: pd.DataFrame) -> None:
    both = ours.merge(theirs, on="image_name", suffixes=("", "_theirs"))
    for column, words in (("target", "labels"), ("patient_id", "patients")):
        if (differ := both[column] != both[f"{column}_theirs"]).any():
            raise DataError(
                f"runs {first} and {name} read different {words} of {differ.sum()} of {len(both)} test images, such as "
                f"{both.loc[differ, 'image_name'].iloc[0]}; their tables or data configs differ: train both on one"
            )
