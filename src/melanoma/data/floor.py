"""The pixel-free floor: how well melanoma is told from what surrounds a picture, without the picture."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 5
_TENTHS = 10


def shortcut_auc(features: Sequence[pd.Series], target: pd.Series, patient: pd.Series) -> float | None:
    """Give the AUC of `shortcut_scores` added up; None where there are none."""
    scores = shortcut_scores(features, target, patient)
    return None if scores is None else float(roc_auc_score(target.to_numpy(dtype=int), scores.sum(axis=1)))


def shortcut_scores(features: Sequence[pd.Series], target: pd.Series, patient: pd.Series) -> NDArray[np.float64] | None:
    """Give what naive Bayes, out of fold with no patient in two folds, makes of k categories: scores (n, k).

    Added up, they are its score from all of them. A missing value is a category of its own. None where fewer than five
    patients have a melanoma, or have an image without one.
    """
    labels = target.to_numpy(dtype=int)
    if any(patient[labels == label].nunique() < FOLDS for label in (0, 1)):
        return None
    codes = np.stack([pd.factorize(feature, use_na_sentinel=False)[0] for feature in features], axis=1)
    scores = np.zeros(codes.shape)
    kfold = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        for learn, held in kfold.split(codes, labels, patient):
            if labels[learn].min() == labels[learn].max():
                return None
            for place, column in enumerate(codes.T):
                ratios = _log_ratios(column[learn], labels[learn], int(column.max()) + 1)
                scores[held, place] = ratios[column[held]]
    return scores


def learnt_scores(
    features: Sequence[pd.Series], target: pd.Series, learn: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    """Give what `shortcut_scores` does, (m, k), of the m rows that are not to `learn` from, learnt from those that are.

    None where `FOLDS` of either class are not there to learn from.
    """
    labels = target.to_numpy(dtype=int)[learn]
    if min(labels.sum(), (1 - labels).sum()) < FOLDS:
        return None
    columns = []
    for feature in features:
        codes = pd.factorize(feature, use_na_sentinel=False)[0]
        columns.append(_log_ratios(codes[learn], labels, int(codes.max()) + 1)[codes[~learn]])
    return np.stack(columns, axis=1)


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
    """Put every image's number of images of its patient into `tenths`."""
    return tenths(patient.groupby(patient).transform("size"))


def tenths(values: pd.Series) -> pd.Series:
    """Put numbers into tenths of the images, fewer where many are equal; missing stays missing.

    Ten different numbers or fewer stay as they are.
    """
    if values.nunique() <= _TENTHS:
        return values
    return pd.qcut(values, _TENTHS, labels=False, duplicates="drop")


def dimensions(width: pd.Series, height: pd.Series) -> pd.Series:
    """Write width and height in pixels as one category: "640 x 480"; missing where either is."""
    sides = [side.astype("float64").map("{:.0f}".format).astype("str") for side in (width, height)]
    return sides[0].str.cat(sides[1], sep=" x ").mask(width.isna() | height.isna())
