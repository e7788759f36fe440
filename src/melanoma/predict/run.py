"""Checkpoints and images -> predictions.csv and submission.csv, in reading order."""

import logging
from dataclasses import replace
from math import inf
from pathlib import Path

import pandas as pd

from melanoma.config import DataConfig, PredictConfig, ReaderConfig, TrainConfig
from melanoma.data.unlabelled import open_unlabelled
from melanoma.durable import replace_text
from melanoma.errors import DataError
from melanoma.evaluation.ensemble import mean_threshold
from melanoma.evaluation.explainable import require_explainable
from melanoma.evaluation.run_folders import find_checkpoints
from melanoma.models.views import view_count
from melanoma.predict.growing import GrowingCsv
from melanoma.predict.maps import write_maps
from melanoma.predict.scoring import Scorer, Scores, open_scorer
from melanoma.vocabulary import METADATA

_log = logging.getLogger(__name__)


def predict(config: PredictConfig, run_dir: Path) -> None:
    """Score every readable image into `run_dir`; memory does not grow with their number, but for names and metadata.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    scorers = [open_scorer(path, config) for path in find_checkpoints(config.checkpoint)]
    data, readers = _data(config, scorers[0].trained), _readers(config, scorers[0].trained)
    root = None if config.root is None else Path(config.root)
    table, reader = open_unlabelled(Path(config.images), root, data, readers, Path(config.cache))
    if config.explain:
        variants = [scorer.trained.model.name for scorer in scorers]
        require_explainable(config.explain, variants, config.explain_images, table["image_name"].tolist())
    _log.info("%d images to score", len(table))
    scores, threshold = Scores(scorers, table, reader, data, config), _threshold(scorers, config)
    run_dir.mkdir(parents=True, exist_ok=True)
    scored, called = _write(scores, table, threshold, run_dir)
    _list(scores.unreadable, table, run_dir / "unreadable.csv")
    calls = "" if threshold is None else f", {called} called malignant at the threshold {threshold:.4f}"
    print(f"scored {scored} of {len(table)} images{calls}")
    for name in ("predictions", "submission"):
        print(f"{name} {run_dir / name}.csv")
    if config.explain:
        print(f"heat maps {write_maps(scorers[0], table, reader, data, config, run_dir)}")


def _data(config: PredictConfig, trained: TrainConfig) -> DataConfig:
    """Take the data config that was asked for, or the checkpoint's with what was asked for."""
    if isinstance(config.data, DataConfig):
        return config.data
    changes, own = config.data, trained.data
    return replace(
        own,
        on_error=changes.on_error,
        max_bad_fraction=changes.max_bad_fraction,
        sexes=own.sexes | changes.sexes,
        sites=own.sites | changes.sites,
    )


def _readers(config: PredictConfig, trained: TrainConfig) -> dict[str, ReaderConfig]:
    """Give the readers to choose from, the checkpoint's own first; one that is named is the only one."""
    if config.reader:
        return {config.reader.name: config.reader}
    own = trained.data.reader or trained.reader
    return {own.name: own} | {name: reader for name, reader in config.readers.items() if name != own.name}


def _threshold(scorers: list[Scorer], config: PredictConfig) -> float | None:
    own = [scorer.checkpoint.threshold for scorer in scorers]
    known = [threshold for threshold in own if threshold is not None]
    if len(known) < len(own):
        _log.warning("a checkpoint has no threshold: it is from within an epoch, or one class was validated; no image "
                     "is called malignant or benign")  # fmt: skip
        return None
    if view_count(config.tta, config.crops) > 1:
        _log.warning("the threshold is that of training, without tta or crops")
    return mean_threshold(known)


def _write(scores: Scores, table: pd.DataFrame, threshold: float | None, run_dir: Path) -> tuple[int, int]:
    """Write both tables as images are scored; count these, and those that are called malignant."""
    known = [name for name in ("patient_id", *METADATA) if table[name].notna().any()]
    columns = ["image_name", *known, "logit", "probability", *(["called"] if threshold is not None else [])]
    predictions = GrowingCsv(run_dir / "predictions.csv", columns)
    submission = GrowingCsv(run_dir / "submission.csv", ["image_name", "target"])
    scored = called = 0
    with predictions, submission:
        for rows in scores:
            calls = rows["probability"] >= (inf if threshold is None else threshold)
            rows = rows.assign(target=rows["probability"], called=calls.astype(int))
            predictions.add(rows)
            submission.add(rows)
            scored, called = scored + len(rows), called + int(calls.sum())
        if not scored:
            name, reason = next(iter(scores.unreadable.items()))
            raise DataError(f"none of the {len(table)} images could be read; image {name} {reason}")
    return scored, called


def _list(unreadable: dict[str, str], table: pd.DataFrame, path: Path) -> None:
    listed = [(name, unreadable[name]) for name in table["image_name"] if name in unreadable]
    replace_text(path, pd.DataFrame(listed, columns=["image_name", "reason"]).to_csv(index=False))
    if listed:
        _log.warning("%d of %d images have no row, in the submission neither: %s lists them with the reason",
                     len(listed), len(table), path)  # fmt: skip
