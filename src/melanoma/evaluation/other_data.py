"""What stands beside the predictions of another data set: what the model knows of it, and its own test split."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from melanoma.checkpoint import Checkpoint
from melanoma.config import EvalConfig
from melanoma.errors import DataError
from melanoma.evaluation.ensemble import combine
from melanoma.evaluation.known_images import Overlap
from melanoma.evaluation.own_test import own_test
from melanoma.evaluation.predictions_file import read_predictions

_NOT_HERE = (
    "its images are not at hand here (the log says what lacks); give internal=DIR, the directory of a melanoma-eval "
    "of that split"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Internal:
    """The predictions of the model's own test split, or why there are none."""

    predictions: pd.DataFrame | None
    words: str
    """Where they are from; or why there are none, to go on from "is not shown beside it:"."""


@dataclass(frozen=True)
class OtherData:
    """Of a data set that the model was not trained on."""

    name: str
    own_name: str
    """Of the data set that it was trained on."""
    overlap: Overlap
    internal: Internal


def gather_internal(
    own: Mapping[str, pd.DataFrame | None], checkpoints: list[Checkpoint], config: EvalConfig, threshold: float
) -> Internal:
    """Put together what each checkpoint, by its path, gave for its own test split; or read it, as `internal` says.

    Checkpoints with one test split are averaged, as on the other data set; with splits that share no image each image
    is by the checkpoint that has not seen it.

    Raises:
        DataError: if what `internal` names is not of this test split.
    """
    tests = [own_test(checkpoint) for checkpoint in checkpoints]
    names = set().union(*tests)
    together = all(one == names for one in tests)
    if config.internal is None:
        return Internal(None, "internal=null")
    if not together and sum(map(len, tests)) != len(names):
        return Internal(None, "the checkpoints' test splits share some of their images")
    if not together and config.ensemble == "ranks":
        return Internal(
            None, "the checkpoints have different test splits, and ranks of different images do not compare"
        )
    way = "" if together else ", out of fold: each image by the model that has not seen it"
    if config.internal != "auto":
        table = _read(Path(config.internal), names, threshold)
        return Internal(table, f"of an earlier evaluation, {Path(config.internal).name}{way}")
    scored = {path: table for path, table in own.items() if table is not None}
    if len(scored) < len(own):
        return Internal(None, _NOT_HERE)
    return Internal(combine(scored, config.ensemble if together else "folds"), f"scored likewise{way}")


def _read(folder: Path, names: set[str], threshold: float) -> pd.DataFrame:
    table = read_predictions(folder / "predictions.csv")
    here = set(table["image_name"])
    if here != names:
        raise DataError(
            f"internal={folder}: its predictions.csv has {len(here & names)} of the {len(names)} images of the "
            f"checkpoint's test split and {len(here - names)} others; give the directory of a melanoma-eval of this "
            "checkpoint on its test split"
        )
    try:
        theirs = json.loads((folder / "metrics.json").read_text())["threshold"]
    except (OSError, ValueError, KeyError, TypeError):
        theirs = None
    if theirs != threshold:
        _log.warning(
            "internal=%s was judged at the threshold %s, and this is %s: it may be of another checkpoint, or of other "
            "views; see to it", folder, theirs, threshold,
        )  # fmt: skip
    return table
