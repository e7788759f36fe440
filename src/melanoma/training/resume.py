"""Which checkpoint a run goes on from, and whether it may."""

import logging
import shutil
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from melanoma.checkpoint import Checkpoint, load_checkpoint
from melanoma.config import TrainConfig
from melanoma.data.splits import split_hash
from melanoma.durable import known_digests, write_digests
from melanoma.errors import CheckpointError

FREE = (
    *("resume", "device", "cache"),
    *("data.root", "data.csv", "data.splits", "data.leaks", "data.source", "data.on_error", "data.max_bad_fraction"),
    *("model.pretrained", "model.weights"),
    *("training.epochs", "training.early_stopping_patience", "training.max_skipped_steps"),
    *("training.workers", "training.checkpoint_minutes", "training.compile", "training.activation_checkpointing"),
)
"""Options that may differ from the run's own: they change neither what a step learns nor from which images."""
_NEWEST_FIRST = ("last.pt", "previous.pt")
_SHOWN = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Saved:
    """A checkpoint with a training state, and where it was."""

    path: Path
    checkpoint: Checkpoint
    config: TrainConfig

    @property
    def training(self) -> dict[str, Any]:
        """The state."""
        return self.checkpoint.training or {}


def find_saved(resume: str | None, run_dir: Path) -> Saved | None:
    """Open the checkpoint that the option `resume` means; None where the run begins.

    Args:
        resume: null; auto, the newest good checkpoint of `run_dir`, if it has any; a run's directory; or a file.
        run_dir: The run's own directory.

    Raises:
        CheckpointError: if there is none to be used.
    """
    if resume is None:
        return None
    path = run_dir if resume == "auto" else Path(resume)
    if path.is_file():
        return _open(path)
    files = [path / "checkpoints" / name for name in _NEWEST_FIRST]
    files = [file for file in files if file.exists()]
    if not files and resume == "auto":
        _log.info("no checkpoint in %s yet: the run begins", path)
        return None
    if not files:
        raise CheckpointError(f"resume={resume}: neither a checkpoint nor the directory of a run that has one")
    return _newest(files)


def may_hold_run(resume: str | None, run_dir: Path) -> bool:
    """Tell whether the run's directory is the one that is gone on with, not another run's."""
    if resume in (None, "auto"):
        return resume == "auto"
    path = Path(resume).resolve()
    return run_dir.resolve() in (path, *path.parents)


def refuse_changes(saved: Saved, config: TrainConfig, table: pd.DataFrame, split: pd.Series) -> None:
    """Raise CheckpointError if the run would go on with another model, other data or other options."""
    # A cosine's rates follow from the number of epochs.
    free = [name for name in FREE if name != "training.epochs" or config.training.schedule == "plateau"]
    found = list(changes(asdict(saved.config), asdict(config), free))
    if split_hash(table, split) != saved.checkpoint.split_hash:
        found.append(_moved(saved.checkpoint.splits, dict(zip(table["image_name"], split, strict=True))))
    if found:
        raise CheckpointError(
            f"{saved.path} cannot be gone on with: {'; '.join(found)}. Use the run's own options (its config.yaml), or "
            "begin another run with hydra.run.dir=DIR"
        )


def changes(old: dict[str, Any], new: dict[str, Any], free: Collection[str]) -> Iterator[str]:
    """Name every option that differs, and what it was and is, but for those that are free to."""
    before, now = dict(_flat(old)), dict(_flat(new))
    for name in {**before, **now}:
        if before.get(name) != now.get(name) and name not in free:
            yield f"{name} was {before.get(name)} and is now {now.get(name)}"


def bring_along(saved: Saved, run_dir: Path) -> None:
    """See to it that the run's directory has this checkpoint, the best epoch's, and that one's predictions.

    Raises:
        CheckpointError: if the best epoch's is not to be found.
    """
    source, target = saved.path.parent, run_dir / "checkpoints"
    files = {source.parent / "predictions_val.csv": run_dir, source / "best.pt": target}
    files = files if saved.training["progress"]["best_epoch"] is not None else {}
    for file in files:
        if not file.is_file():
            raise CheckpointError(f"{file} of the best epoch is missing; resume needs the run's whole directory")
    if source.resolve() == target.resolve():
        return
    for file, folder in (files | {saved.path: target / "last.pt"}).items():
        shutil.copy2(file, folder)
    # Their digests: without one, a checkpoint is held against the checksums within it.
    for file, name in ((source / "best.pt", "best.pt"), (saved.path, "last.pt")):
        if digests := known_digests(file):
            write_digests(target / name, digests)


def _newest(files: list[Path]) -> Saved:
    faults = []
    for file in files:
        try:
            saved = _open(file)
        except CheckpointError as error:
            faults.append(str(error))
            continue
        for fault in faults:
            _log.warning("%s; %s is used instead", fault, file.name)
        return saved
    raise CheckpointError(f"{'; '.join(faults)}; begin again in another hydra.run.dir=DIR")


def _open(path: Path) -> Saved:
    checkpoint, config = load_checkpoint(path, TrainConfig)
    if checkpoint.training is None:
        raise CheckpointError(f"{path} holds a model, but no state of training; a run is gone on with from its last.pt")
    return Saved(path, checkpoint, config)


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _moved(old: dict[str, str], new: dict[str, str]) -> str:
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    shown = ", ".join(f"{name} from {old.get(name, 'none')} to {new.get(name, 'none')}" for name in names[:_SHOWN])
    return f"the splits differ in {len(names)} images, such as {shown}"
