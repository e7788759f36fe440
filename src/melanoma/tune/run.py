"""A study in reading order: trial after trial, then table, picture, and the command that trains the best one."""

import contextlib
import json
import logging
import os
import shlex
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from melanoma.config import TrainConfig, TuneConfig
from melanoma.errors import ConfigError, DataError
from melanoma.training.loop import Epoch
from melanoma.training.resume import FREE, changes
from melanoma.training.run import train
from melanoma.tune.pictures import plot_trials
from melanoma.tune.space import Compose, overrides_of
from melanoma.tune.study import Study, Told
from melanoma.tune.table import Row, best_of, write_csv, write_markdown

_log = logging.getLogger(__name__)


def tune(config: TuneConfig, run_dir: Path, options: list[str], compose: Compose) -> float:
    """Train trials into `run_dir`/trials until the study has as many as it should; give the best AUC.

    Args:
        config: All options.
        run_dir: Where trials and tables are written.
        options: The command's own, for all trials, as `melanoma-train` takes them.
        compose: Gives a trial's config from what is put behind those.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
        PreemptedError: if a signal asked to end.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(
            "melanoma-tune trains a trial in one process; start one for each GPU without torchrun, all with one "
            "tune.study and tune.storage"
        )
    study = Study(config.tune, run_dir, made_with := _made_with(compose([]), config))
    _refuse_changes(config.tune.study, study.made_with, made_with)

    def trial(number: int, values: dict[str, str], before: list[str], told: Told) -> float:
        return _train(compose(overrides_of(values)), run_dir / "trials" / str(number), before, told)

    study.run(trial, after_trial=lambda: _write(run_dir, config.tune.study, study.rows()))
    rows = study.rows()
    _write(run_dir, config.tune.study, rows)
    if (best := best_of(rows)) is None or best.auc is None:
        raise study.failure()
    counts = Counter(row.state for row in rows)
    print(f"best validation AUC {best.auc:.4f} in trial {best.number} of study {config.tune.study}")
    print(f"trials {', '.join(f'{count} {state}' for state, count in counts.items())}: {run_dir / 'trials.md'}")
    print(_command(options, best.values))
    return best.auc


def _made_with(base: TrainConfig, config: TuneConfig) -> dict[str, Any]:
    """Give all that the study's trials have in common, as JSON gives it back."""
    values = asdict(base) | {"tune": {"space": {one.option: asdict(one) for one in config.tune.space.values()}}}
    return dict(json.loads(json.dumps(values)))


def _refuse_changes(study: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Raise ConfigError if the trials would not compare with those that are there."""
    free = [name for name in FREE if not name.startswith("training.epochs")]
    if found := list(changes(old, new, free)):
        raise ConfigError(f"study {study} is of other options: {'; '.join(found)}. Use its own, or another tune.study")


def _train(config: TrainConfig, directory: Path, before: list[str], told: Told) -> float:
    def after_epoch(epoch: Epoch) -> None:
        number, auc = epoch.history["epoch"], epoch.history["val/auc"]
        told(number, auc, number == config.training.epochs)

    if begun := [path for path in before if Path(path, "checkpoints", "last.pt").exists()]:
        config.resume = begun[-1]
    _log.info("trial %s", directory)
    with contextlib.redirect_stdout(sys.stderr):  # stdout is for the study's result
        auc = train(config, directory, after_epoch)
    if auc is None:
        raise DataError("the validation AUC is undefined, as the validation images are of one class")
    return auc


def _write(run_dir: Path, study: str, rows: list[Row]) -> None:
    write_csv(run_dir / "trials.csv", rows)
    write_markdown(run_dir / "trials.md", study, rows)
    plot_trials(rows, run_dir / "tune.png")


def _command(options: list[str], values: dict[str, str]) -> str:
    kept = [word for word in options if word.split("=")[0] not in values]
    return shlex.join(["melanoma-train", *kept, *overrides_of(values)])
