"""Folds of one k-fold split: whether checkpoints are that, and what each one alone reaches."""

import logging
from itertools import combinations

import pandas as pd

from melanoma.config import SplitConfig
from melanoma.errors import ConfigError, DataError
from melanoma.evaluation.metrics import Metrics, roc_auc
from melanoma.evaluation.report import counted
from melanoma.evaluation.scoring import Opened

_log = logging.getLogger(__name__)


def require_folds(opened: dict[str, Opened]) -> None:
    """Check that checkpoints, by path, tested on different folds of one split; warn of folds that are missing.

    Raises:
        ConfigError: if they are not folds of one split.
        DataError: if two of them tested on the same patient all the same.
    """
    (first, one), *others = opened.items()
    for path, member in opened.items():
        if member.trained.split.folds is None:
            raise ConfigError(f"{path} is of no k-fold split (split.folds=null); ensemble=folds needs split.folds=N")
    for path, other in others:
        if found := _difference(one, other):
            raise ConfigError(f"checkpoints {first} and {path} are not folds of one split: {found}")
    seen: dict[int, str] = {}
    for path, member in opened.items():
        if (known := seen.setdefault(fold_of(member), path)) != path:
            raise ConfigError(f"checkpoints {known} and {path} are both of fold {fold_of(member)}; leave one out")
    _require_disjoint(opened)
    if missing := sorted(set(range(one.trained.split.folds or 0)) - set(seen)):
        numbers = ", ".join(map(str, missing))
        _log.warning("no checkpoint of fold %s of %s: its images are not scored", numbers, one.trained.split.folds)


def fold_of(member: Opened) -> int:
    """Give the number of the fold that is the checkpoint's test split."""
    assert member.trained.split.fold is not None  # noqa: S101 the config's rules
    return member.trained.split.fold


def fold_metrics(predictions: pd.DataFrame) -> Metrics:
    """Give the numbers of the folds and, in the same order, the AUC of each alone."""
    folds = sorted({int(fold) for fold in predictions["fold"]})
    parts = [predictions[predictions["fold"] == fold] for fold in folds]
    aucs = [roc_auc(part["target"].to_numpy(dtype=int), part["logit"].to_numpy()) for part in parts]
    return {"folds": folds, "fold_aucs": aucs}


def _difference(one: Opened, other: Opened) -> str:
    """Say in which option that deals out the patients two checkpoints differ; empty where in none."""
    ours, theirs = (_dealt_by(member.trained.split) for member in (one, other))
    values: dict[str, tuple[object, object]] = {"data": (one.trained.data.name, other.trained.data.name)}
    values |= {f"split.{name}": (ours[name], theirs[name]) for name in ours}
    differing = [f"{name} is {mine} and {yours}" for name, (mine, yours) in values.items() if mine != yours]
    return ", ".join(differing)


def _dealt_by(split: SplitConfig) -> dict[str, object]:
    return {"folds": split.folds, "seed": split.seed, "extra": split.extra}


def _require_disjoint(opened: dict[str, Opened]) -> None:
    """Raise DataError if two folds share a patient: then they were dealt out from different tables."""
    patients = {path: set(member.table["patient_id"]) for path, member in opened.items()}
    for first, second in combinations(patients, 2):
        if shared := patients[first] & patients[second]:
            table = opened[first].table
            image = table.loc[table["patient_id"].isin(shared), "image_name"].iloc[0]
            raise DataError(
                f"checkpoints {first} and {second} both tested on {counted(len(shared), 'patient')}, such as that of "
                f"{image}; their tables differ: train all folds on one"
            )
