"""Predictions of several checkpoints -> one table."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from melanoma.evaluation.same_rows import require_same_rows
from melanoma.prediction import to_probability

_EDGE = 1e-9
"""Keeps the logit of a rank or threshold of 1 finite."""

WAY_OUT = (
    "Score them on the same rows: with split=all, another data set or one data.splits=FILE; folds of one k-fold split "
    "go together with ensemble=folds"
)


def combine(tables: dict[str, pd.DataFrame], ensemble: str) -> pd.DataFrame:
    """Put tables of predictions, by the checkpoint's path, together as `ensemble` says; a single one stays as it is.

    Raises:
        DataError: if logits or ranks are to be averaged, and the tables differ in their images.
    """
    first, *others = tables.values()
    if not others:
        return first
    if ensemble == "folds":
        return pd.concat([first, *others], ignore_index=True)
    require_same_rows(tables, "checkpoints", WAY_OUT)
    logits = np.stack([_in_order(table, first) for table in tables.values()])
    logit = logits.mean(axis=0) if ensemble == "logits" else to_logit(mean_rank(logits))
    return first.assign(logit=logit, probability=to_probability(logit))


def mean_rank(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the mean over rows (members, n) of each score's rank divided by n, in (0, 1]; equals share a rank."""
    return np.asarray(pd.DataFrame(scores.T).rank().mean(axis=1) / scores.shape[1])


def mean_threshold(thresholds: list[float]) -> float:
    """Average thresholds of probabilities as logits, as `logits` does the predictions; a single one stays as it is."""
    if len(thresholds) == 1:
        return thresholds[0]
    return float(to_probability(to_logit(np.array(thresholds)).mean()))


def to_logit(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn probabilities into finite logits."""
    clipped = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _in_order(table: pd.DataFrame, of: pd.DataFrame) -> npt.NDArray[np.float64]:
    logits = table.set_index("image_name")["logit"].loc[of["image_name"]]
    return logits.to_numpy(dtype=np.float64)
