"""Who is in a data set: a figure may differ between two because the patients do."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from melanoma.evaluation.groupings import UNKNOWN


@dataclass(frozen=True)
class CaseMix:
    """Plain values; shares are of the images, and None where there are none."""

    n: int
    patients: int
    melanomas: int
    prevalence: float | None
    sexes: dict[str, float]
    """Share of each, that of `UNKNOWN` among them."""
    sites: dict[str, float]
    """Likewise."""
    age: list[float] | None
    """Lower quartile, median and upper quartile in years, of the images with a known age."""
    age_unknown: float | None
    """Share of the images."""


def measure_case_mix(predictions: pd.DataFrame) -> CaseMix:
    """Count who is in a table of predictions."""
    ages = predictions["age_approx"].dropna().to_numpy(dtype=np.float64)
    n = len(predictions)
    return CaseMix(
        n=n,
        patients=int(predictions["patient_id"].nunique()),
        melanomas=int(predictions["target"].sum()),
        prevalence=float(predictions["target"].mean()) if n else None,
        sexes=_shares(predictions["sex"]),
        sites=_shares(predictions["anatom_site_general_challenge"]),
        age=[float(value) for value in np.quantile(ages, (0.25, 0.5, 0.75))] if len(ages) else None,
        age_unknown=1 - len(ages) / n if n else None,
    )


def _shares(values: pd.Series) -> dict[str, float]:
    shares = values.astype("str").fillna(UNKNOWN).value_counts(normalize=True)
    return {str(name): float(share) for name, share in shares.sort_index().items()}
