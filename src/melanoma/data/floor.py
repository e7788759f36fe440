"""The pixel-free floor: how well melanoma is told from what surrounds a picture, without the picture."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 5
_COUNT_BINS = 10


def shortcut_auc(features: Sequence[pd.Series], target: pd.Series, patient: pd.Series) -> float | None:
    """Give the out-of-fold AUC of naive Bayes over categories, with no patient in two folds.

    A missing value is a category of its own. None where fewer than five patients have a melanoma, or have an image
    without one.
    """
    labels = target.to_numpy(dtype=int)
    if any(patient[labels == label].nunique() < FOLDS for label in (0, 1)):
        return None
    codes = np.stack([pd.factorize(feature, use_na_sentinel=False)[0] for feature in features], axis=1)
    scores = np.zeros(len(labels))
    kfold = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        for learn, held in kfold.split(codes, labels, patient):
            if labels[learn].min() == labels[learn].max():
                return None
            for column in codes.T:
                scores[held] += _log_ratios(column[learn], labels[learn], int(column.max()) + 1)[column[held]]
    return float(roc_auc_score(labels, scores))


def _log_ratios(codes: NDArray[np.int64], labels: NDArray[np.int64], categories: int) -> NDArray[np.float64]:
    """Give log P(category | melanoma) / P(category | other) of every category.

    Laplace smoothing with one melanoma a category and others in proportion: a category that was never seen says
    nothing, where one of each class would make it speak for the rarer class.
    """
    found = [np.bincount(codes[labels == label], minlength=categories) for label in (0, 1)]
    totals = [int(counts.sum()) for counts in found]
    added = [totals[0] / totals[1], 1.0]
    chances = [(counts + extra) / total for counts, extra, total in zip(found, added, totals, strict=True)]
    # Rounded, so that what says nothing says exactly that in every fold.
    return np.asarray(np.round(np.log(chances[1] / chances[0]), 9), dtype=np.float64)


def age_bands(ages: pd.Series) -> pd.Series:
    """Put ages in years into decades: "40-49"; missing stays missing."""
    decade = (ages // 10 * 10).astype("Int64")
    return decade.astype("str").str.cat((decade + 9).astype("str"), sep="-").mask(ages.isna())


def image_counts(patient: pd.Series) -> pd.Series:
    """Put every image's number of images of its patient into tenths of the images."""
    counts = patient.groupby(patient).transform("size")
    return pd.qcut(counts, _COUNT_BINS, labels=False, duplicates="drop")
