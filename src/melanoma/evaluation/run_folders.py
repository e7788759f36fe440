"""Directories that `melanoma-train` wrote -> the checkpoints of their best epochs."""

import logging
import re
from pathlib import Path

from melanoma.errors import ConfigError

CHECKPOINT = Path("checkpoints/best.pt")

_log = logging.getLogger(__name__)


def find_checkpoints(paths: list[str]) -> list[Path]:
    """Give the checkpoint files that paths stand for: themselves, a run's best epoch, those of a sweep's jobs.

    Raises:
        ConfigError: if a directory holds none, one is named twice, or nothing is named.
    """
    files = [file for path in paths for file in _files_at(Path(path))]
    require_once(files, "checkpoint")
    if not files:
        raise ConfigError("checkpoint=[] names none; give a file, a run's directory or a sweep's")
    return files


def _files_at(path: Path) -> list[Path]:
    # A file that is not there is told of where it is read.
    return [run / CHECKPOINT for run in runs_at(path, "checkpoint")] if path.is_dir() else [path]


def require_once(paths: list[Path], option: str) -> None:
    """Raise ConfigError if two paths lead to the same place."""
    places: dict[Path, Path] = {}
    for path in paths:
        if (known := places.setdefault(path.resolve(), path)) is not path:
            raise ConfigError(f"{option}: {known} and {path} are the same run; name it once")


def runs_at(path: Path, option: str) -> list[Path]:
    """Give the run at `path`, or a sweep's jobs that have a checkpoint, by their numbers; errors name `option`.

    Raises:
        ConfigError: if there is none.
    """
    if (path / CHECKPOINT).is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f"{option}: {path} is not a directory; give those that melanoma-train wrote")
    jobs = sorted({folder.parent for folder in path.rglob(".hydra")} - {path}, key=_by_number)
    finished = [job for job in jobs if (job / CHECKPOINT).is_file()]
    if not finished:
        found = f"none of its {len(jobs)} jobs has one" if jobs else "no best epoch was saved there"
        raise ConfigError(f"{option}: {path} has no {CHECKPOINT} ({found}); leave it out, or train it again")
    for job in jobs:
        if job not in finished:
            _log.warning("left out %s: it has no %s", job, CHECKPOINT)
    return finished


def run_name(checkpoint: Path) -> str:
    """Name a checkpoint by its run's directory; the folders above that say whose machine it was."""
    return checkpoint.parents[1].name if checkpoint.parent.name == CHECKPOINT.parent.name else checkpoint.name


def _by_number(path: Path) -> list[tuple[int, str]]:
    return [(int(digits or 0), word) for digits, word in re.findall(r"(\d*)(\D*)", str(path))]
