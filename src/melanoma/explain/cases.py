"""Which images are shown: the most wrong, and those that were asked for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from melanoma.errors import ConfigError
from melanoma.schema import near


@dataclass(frozen=True)
class Cases:
    """Rows of a predictions table."""

    kind: str
    rows: pd.DataFrame
    """Those to show."""
    total: int
    """How many there are of that kind."""


def find_cases(predictions: pd.DataFrame, threshold: float, count: int, chosen: Sequence[str]) -> list[Cases]:
    """Give the chosen images, if there are any, and of false negatives and positives the `count` most wrong.

    Raises:
        ConfigError: if a chosen image is not among those scored.
    """
    require_images(chosen, predictions["image_name"].tolist())
    is_malignant, probability = predictions["target"] == 1, predictions["probability"]
    called = probability >= threshold
    missed = predictions[is_malignant & ~called].sort_values(["probability", "image_name"])
    alarms = predictions[~is_malignant & called].sort_values(["probability", "image_name"], ascending=[False, True])
    wrong = [
        Cases("False negatives", missed.head(count), len(missed)),
        Cases("False positives", alarms.head(count), len(alarms)),
    ]
    if not chosen:
        return wrong
    names = list(dict.fromkeys(chosen))
    rows = predictions.set_index("image_name", drop=False).rename_axis(None).loc[names]
    return [Cases("Chosen images", rows, len(rows)), *wrong]


def require_images(chosen: Sequence[str], known: Collection[str]) -> None:
    """Refuse names that are not among those scored.

    Raises:
        ConfigError: with the names that are like the first of them.
    """
    here = set(known)
    unknown = [name for name in chosen if name not in here]
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise ConfigError(
            f"explain_images: {unknown[0]}{more} is not among the {len(known):,} images scored; "
            f"{near(unknown[0], known)}"
        )
