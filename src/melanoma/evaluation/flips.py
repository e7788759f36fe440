"""How often a change that leaves the lesion what it is turns the call from benign to malignant, or back."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.intervals import CHUNK_CELLS, patient_draws, percentile_interval, wilson
from melanoma.evaluation.metrics import Counts, Floats
from melanoma.evaluation.subgroups import MIN_PATIENTS
from melanoma.evaluation.weighted_roc import divide

TOO_FEW = f"not defined: it takes {MIN_PATIENTS} patients with such an image"


@dataclass(frozen=True)
class Share:
    """Of some images, those whose call changes."""

    n: int
    rate: float | None
    """None where these are of too few patients."""
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True)
class Flips:
    """What one alteration does to the calls."""

    alteration: str
    every: Share
    benign: Share
    malignant: Share


def measure_flips(
    target: Counts,
    before: Floats,
    after: Mapping[str, Floats],
    threshold: float,
    patient: Counts,
    draws: int,
    seed: int,
) -> list[Flips]:
    """Compare the calls (`probability >= threshold`) before each alteration and after.

    All arrays are (n,); `patient` holds 0 to patients - 1. Intervals resample whole patients; where no call changes, or
    all do, they are Wilson's, with patients as the independent ones. There is at least one image.
    """
    patients = int(patient.max()) + 1
    kinds = [np.ones(len(target), dtype=bool), target == 0, target == 1]
    changed = [(before >= threshold) != (scores >= threshold) for scores in after.values()]
    images = _by_patient(kinds, patient, patients)
    flipped = [_by_patient([kind & one for kind in kinds], patient, patients) for one in changed]
    drawn = _draw([images, *flipped], draws, seed)
    own = [len(np.unique(patient[kind])) for kind in kinds]
    shares = [
        [
            _share(images[:, kind], counts[:, kind], divide(sums[:, kind], drawn[0][:, kind]), own[kind])
            for kind in range(len(kinds))
        ]
        for counts, sums in zip(flipped, drawn[1:], strict=True)
    ]
    return [Flips(name, *kinds_of_it) for name, kinds_of_it in zip(after, shares, strict=True)]


def _by_patient(rows: list[npt.NDArray[np.bool_]], patient: Counts, patients: int) -> Counts:
    """Count the rows of each patient, (patients, k)."""
    return np.stack([np.bincount(patient[one], minlength=patients) for one in rows], axis=1)


def _draw(counts: list[Counts], draws: int, seed: int) -> list[Counts]:
    """Add up each table of counts (patients, k) over draws of patients, to (draws, k)."""
    patients = len(counts[0])
    table = np.concatenate(counts, axis=1).astype(np.float64)  # a product of floats is quick, and exact for counts
    chunks = patient_draws(patients, draws, seed, max(1, CHUNK_CELLS // patients))
    sums = np.concatenate([weights.astype(np.float64) @ table for weights in chunks]).astype(np.int64)
    return np.split(sums, len(counts), axis=1)


def _share(images: Counts, flipped: Counts, drawn: Floats, patients: int) -> Share:
    n = int(images.sum())
    if patients < MIN_PATIENTS:
        return Share(n, None, None, None)
    rate = int(flipped.sum()) / n
    if rate in (0, 1):  # as it is in every resample, too, which is no certainty
        return Share(n, rate, *wilson(patients if rate else 0, patients))
    return Share(n, rate, *(percentile_interval(drawn) or (None, None)))
