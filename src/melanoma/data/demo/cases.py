"""Everything about the demo data set but its pictures: patients, visits, latent features, targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, get_type_hints

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma.config import DemoConfig
from melanoma.data.demo import rule

SITES = {  # site: share of the lesions; one half in all for the sites of `rule.RAISING_SITES`
    "torso": 0.30,
    "lower extremity": 0.17,
    "palms/soles": 0.03,
    "head/neck": 0.20,
    "upper extremity": 0.28,
    "oral/genital": 0.02,
}
TONE_SHARES = (0.36, 0.32, 0.17, 0.08, 0.04, 0.03)
HAIR_MEANS = (0, 4, 16)
HAIR_SHARES = (0.5, 0.32, 0.18)
PATIENT_LOADING = 0.3
"""Correlation of a feature with its patient's atypia."""


@dataclass(frozen=True)
class Case:
    """What one picture shows; a row of truth.csv holds these values under the same names."""

    seed: int
    patient: int
    """Counted from 1, as is `image` within a patient: to numpy the seeds [s] and [s, 0, 0] are the same."""
    image: int
    cx: float
    """Centre of the lesion, as a share of the picture's side; `cy` and `radius` likewise."""
    cy: float
    radius: float
    """Of a disc as large as the lesion."""
    tone: int
    """Skin tone, 0 (lightest) to 5."""
    hairs: int
    ruler: bool
    frame: bool
    """Whether the dermatoscope's dark rim shows."""
    asymmetry: float
    border: float
    colours: int
    network: float
    veil: int
    fine_texture: int

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Case":
        """Take the values of a row of `draw_cases` or truth.csv; other columns are left aside."""
        # numpy's own scalars would turn the picture's float32 arithmetic into float64.
        return cls(**{name: kind(row[name]) for name, kind in get_type_hints(cls).items()})


class Streams(NamedTuple):
    """One generator for each layer, so that no layer depends on what another one draws."""

    outline: np.random.Generator
    pigment: np.random.Generator
    skin: np.random.Generator
    artefacts: np.random.Generator
    sensor: np.random.Generator


def streams(case: Case) -> Streams:
    """Give the picture its own generators, whatever process draws it and whenever."""
    return Streams(*np.random.default_rng([case.seed, case.patient, case.image]).spawn(len(Streams._fields)))


def draw_cases(config: DemoConfig) -> pd.DataFrame:
    """Draw one row an image, in the order of image names.

    Columns: those of SIIM-ISIC's train.csv, those of `Case`, the true `site`, and the `score` without noise.
    """
    rng = np.random.default_rng(config.seed)
    patients = _draw_patients(rng, config)
    visits = 1 + rng.poisson(config.images_per_patient - 1, config.patients)
    table = patients.loc[patients.index.repeat(visits)].reset_index(drop=True)
    table["image"] = table.groupby("patient").cumcount() + 1
    table["image_name"] = _names(rng, "ISIC_", len(table))
    _add_features(table, rng)
    _add_surroundings(table, rng)
    _add_metadata(table, rng)
    table["score"] = rule.score(table, config).round(4)
    table["target"] = rule.targets(table["score"].to_numpy(), config, rng)
    _add_diagnosis(table, rng)
    return table.sort_values("image_name", ignore_index=True)


def _names(rng: np.random.Generator, prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:07d}" for number in rng.choice(10_000_000, count, replace=False)]


def _draw_patients(rng: np.random.Generator, config: DemoConfig) -> pd.DataFrame:
    count = config.patients
    unknown = rng.random(count) < 0.02
    age = np.clip(5 * np.round(rng.normal(50, 15, count) / 5), 15, 90)
    return pd.DataFrame(
        {
            "seed": config.seed,
            "patient": np.arange(1, count + 1),
            "patient_id": _names(rng, "IP_", count),
            "sex": pd.Series(rng.choice(["male", "female"], count), dtype=object).mask(unknown),
            "age_approx": np.where(unknown, np.nan, age),
            "tone": rng.choice(len(TONE_SHARES), count, p=TONE_SHARES),
            "hairs": rng.choice(HAIR_MEANS, count, p=HAIR_SHARES),
            "atypia": rng.standard_normal(count),
        }
    )


def _add_features(table: pd.DataFrame, rng: np.random.Generator) -> None:
    """Add the latent features; four digits, so that they survive the CSV bit by bit."""
    table["asymmetry"] = _atypical_share(table, rng).round(4)
    table["border"] = _atypical_share(table, rng).round(4)
    table["colours"] = 1 + np.floor(5 * _atypical_share(table, rng)).astype(int).clip(0, 4)
    table["network"] = _atypical_share(table, rng).round(4)
    table["veil"] = rng.integers(2, size=len(table))
    table["fine_texture"] = rng.integers(2, size=len(table))


def _atypical_share(table: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw nearly uniform values in 0..1 that are mildly alike within a patient."""
    own = (1 - PATIENT_LOADING**2) ** 0.5 * rng.standard_normal(len(table))
    normal = PATIENT_LOADING * table["atypia"].to_numpy(dtype=np.float64) + own
    # The logistic curve is the normal distribution function to within 0.01.
    return np.asarray(1 / (1 + np.exp(-1.702 * normal)), dtype=np.float64)


def _add_surroundings(table: pd.DataFrame, rng: np.random.Generator) -> None:
    """Add what the target does not depend on."""
    count = len(table)
    table["cx"] = rng.uniform(0.45, 0.55, count).round(4)
    table["cy"] = rng.uniform(0.45, 0.55, count).round(4)
    table["radius"] = rng.uniform(0.26, 0.34, count).round(4)
    table["hairs"] = rng.poisson(table["hairs"])
    table["ruler"] = rng.random(count) < 0.15
    table["frame"] = rng.random(count) < 0.35


def _add_metadata(table: pd.DataFrame, rng: np.random.Generator) -> None:
    count = len(table)
    grown = pd.Series(5 * (rng.random(count) < 0.1)).where(table["image"] > 1, 0)
    table["age_approx"] = (table["age_approx"] + grown.groupby(table["patient"]).cumsum()).clip(upper=90)
    table["site"] = pd.Series(rng.choice(list(SITES), count, p=list(SITES.values())), dtype=object)
    table["anatom_site_general_challenge"] = table["site"].mask(rng.random(count) < 0.03)


def _add_diagnosis(table: pd.DataFrame, rng: np.random.Generator) -> None:
    benign = rng.choice(["nevus", "unknown"], len(table), p=[0.4, 0.6])
    table["diagnosis"] = np.where(table["target"] == 1, "melanoma", benign)
    table["benign_malignant"] = np.where(table["target"] == 1, "malignant", "benign")
