"""Whether to believe the maps, in figures and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

from melanoma.explain.randomisation import LEVELS
from melanoma.explain.run import HeatMap

SAME = 0.5
"""Mean rank correlation from which on a map counts as unchanged; a convention of ours."""
LEVEL = 0.05
FEWEST = 5
"""Maps that are needed for p to fall below `LEVEL`."""
CAUTION = "A map shows where the score reacts, not whether it is right; it is not evidence of correctness."
_DRAWN = {
    "head": "what follows the backbone has random weights",
    "half": "half of the backbone has random weights, too",
    "all": "all weights are random",
}


@dataclass(frozen=True)
class Against:
    """Areas of maps and of random ones, as means over images."""

    area: float
    by_chance: float
    better: int
    """Images whose map is better than random ones."""
    p: float
    """Chance that maps no better than random ones would do as well (Wilcoxon's signed ranks, one-sided)."""


@dataclass(frozen=True)
class Trust:
    """What was found for all maps of one call together; None where no map has the figure."""

    call: str
    maps: int
    compared: int
    """Maps that have any heat."""
    cells: int
    dependence: dict[str, float | None]
    """By level; near 0 where maps depend on the weights."""
    deletion: Against | None
    insertion: Against | None
    centre: float | None
    corners: float | None


def measure_trust(maps: Sequence[HeatMap]) -> list[Trust]:
    """Put the figures of the maps of each call together, as a call for benign is explained by other places."""
    calls = {call: [one for one in maps if one.malignant == (call == "malignant")] for call in ("malignant", "benign")}
    return [_measure(call, some) for call, some in calls.items() if some]


def verdict(trust: Trust) -> str:
    """Say in a sentence whether to read the maps."""
    these = f"the maps of images called {trust.call}"
    if not trust.compared:
        return f"Do not read {these}: none of them has any heat."
    faults = [*_unchanged(trust), *_no_better(trust)]
    if faults:
        return f"Do not read {these}: {'; '.join(faults)}."
    if trust.compared < FEWEST:
        return f"Unable to tell whether to believe {these}: it takes {FEWEST}, and there are {trust.compared}."
    if None in trust.dependence.values():
        return f"Unable to tell whether to believe {these}: they are the same everywhere."
    return (
        f"{these[0].upper()}{these[1:]} depend on what the model has learnt, and the score depends on what they show "
        "more than on random places."
    )


def _measure(call: str, maps: Sequence[HeatMap]) -> Trust:
    removals = [one.removal for one in maps if one.removal is not None]
    return Trust(
        call=call,
        maps=len(maps),
        compared=len(removals),
        cells=maps[0].cells,
        dependence={level: _mean([one.dependence[level] for one in maps]) for level in LEVELS},
        deletion=_against([(one.deletion, one.deletion_random) for one in removals], -1),
        insertion=_against([(one.insertion, one.insertion_random) for one in removals], 1),
        centre=_mean([one.shares.centre for one in maps]),
        corners=_mean([one.shares.corners for one in maps]),
    )


def _against(areas: Sequence[tuple[float, float]], sign: int) -> Against | None:
    """Compare pairs of a map's area and that of random ones; `sign` is 1 where a larger area is better, else -1."""
    if not areas:
        return None
    own, random = np.array(areas).T
    gains = sign * (own - random)
    p = float(wilcoxon(gains, alternative="greater").pvalue) if gains.any() else 1.0
    return Against(float(own.mean()), float(random.mean()), int((gains > 0).sum()), p)


def _unchanged(trust: Trust) -> list[str]:
    known = [(value, level) for level, value in trust.dependence.items() if value is not None]
    worst, level = max(known, default=(0.0, "all"))
    return [f"they stay alike when {_DRAWN[level]} (rank correlation {worst:.2f})"] if worst >= SAME else []


def _no_better(trust: Trust) -> list[str]:
    """Name what is no better than chance; of maps too few to tell, only what is no better as it stands."""
    faults = []
    for name, found, sign in (("deletion", trust.deletion, -1), ("insertion", trust.insertion, 1)):
        if found is None:
            continue
        if sign * (found.area - found.by_chance) <= 0:
            faults.append(f"by {name} they are no better than random maps")
        elif trust.compared >= FEWEST and found.p >= LEVEL:
            faults.append(f"by {name} they are better than random maps by no more than chance explains")
    return faults


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
