"""A checkpoint's own test split, scored as another data set is: what that one is compared with."""

import logging
from dataclasses import fields, replace

import pandas as pd
from torch import nn

from melanoma.checkpoint import Checkpoint
from melanoma.config import EvalConfig, EvalDataConfig
from melanoma.errors import DataError
from melanoma.evaluation.scoring import Opened, open_checkpoint, score_rows

WAY_OUT = "give internal=DIR, the directory of a melanoma-eval of the checkpoint's test split, or internal=null"

_log = logging.getLogger(__name__)


def open_own_test(opened: Opened, config: EvalConfig) -> Opened | None:
    """Open the test split of the one checkpoint that the config names, where its data lay in training.

    None where none is asked for, or it cannot be read whole, with a warning.
    """
    if not opened.is_external or config.internal != "auto":
        return None
    names = own_test(opened.checkpoint)
    unchanged = EvalDataConfig(**dict.fromkeys(field.name for field in fields(EvalDataConfig)))
    try:
        if not names:
            raise DataError("the checkpoint has no test split")
        own = open_checkpoint(replace(config, data=unchanged, reader=None, split="test"))
        if lacking := len(names - set(own.table["image_name"])):
            raise DataError(f"{lacking} of {len(names)} test images are not in its table")
        if missing := own.reader.missing(names):
            raise DataError(f"{len(missing)} of {len(names)} test images are not there, such as {missing[0]}")
    except DataError as error:
        _warn(error)
        return None
    return own


def score_own_test(model: nn.Module, own: Opened, config: EvalConfig) -> pd.DataFrame | None:
    """Score the test split with a placed model; None where an image cannot be read, with a warning."""
    try:
        return score_rows(model, own, own.table, config, "own test")[0]
    except DataError as error:
        _warn(error)
        return None


def own_test(checkpoint: Checkpoint) -> set[str]:
    """Name the images of the checkpoint's test split."""
    return {name for name, split in checkpoint.splits.items() if split == "test"}


def _warn(error: DataError) -> None:
    found = str(error).partition(";")[0]  # what follows is a way out for the data set that is scored
    _log.warning("the model's own test split is not shown beside: %s; %s", found, WAY_OUT)
