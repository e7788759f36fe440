"""What the runs of prove_variants.py say about its claims: numbers, a table, a picture."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from melanoma.evaluation.intervals import bootstrap_aucs, percentile_interval
from melanoma.evaluation.metrics import roc_auc
from melanoma.evaluation.plots import BLUE, DPI, FAINT, INK

Result = pd.DataFrame
"""The predictions of one run on the test patients, and for the map how much of it lies on the lesion."""
Results = dict[tuple[str, str, int], Result]
DRAWS = 2000


@dataclass(frozen=True)
class Claim:
    """The AUC of `better` less that of `worse` is at least so much, with its interval above or below so much."""

    experiment: str
    better: str
    worse: str
    at_least: float | None = None
    interval_above: float | None = None
    interval_below: float | None = None

    def holds(self, difference: float, low: float, high: float) -> bool:
        """Hold what was measured against what was asked."""
        return (
            (self.at_least is None or difference >= self.at_least)
            and (self.interval_above is None or low > self.interval_above)
            and (self.interval_below is None or high < self.interval_below)
        )


CLAIMS = [
    *(Claim("site", arm, "standard", at_least=0.10, interval_above=0) for arm in ("site_specific", "cross_attention")),
    *(Claim("shuffled", arm, "standard", interval_below=0.10) for arm in ("site_specific", "cross_attention")),
    *(
        Claim("texture", arm, "half resolution", at_least=0.10, interval_above=0)
        for arm in ("full resolution", "multi_scale")
    ),
    *(Claim("texture", "multi_scale", arm, at_least=-0.01) for arm in ("full resolution", "half resolution")),
    *(
        Claim("none", arm, "standard", at_least=-0.02)
        for arm in ("multi_scale", "site_specific", "self_attention", "cross_attention")
    ),
]
MAP_BAR = 2.0
"""The map has at least so many times the mass of an even one on the lesion."""


def judge(results: Results) -> dict[str, Any]:
    """Measure every model, and hold every claim against what was measured."""
    seeds = sorted({seed for _, _, seed in results})
    arms = dict.fromkeys((experiment, arm) for experiment, arm, _ in results)
    draws = {key: np.stack([_draws(results[*key, seed]) for seed in seeds]).mean(0) for key in arms}
    aucs = {key: [_auc(results[*key, seed]) for seed in seeds] for key in arms}
    return {
        "seeds": seeds,
        "models": [_model(key, aucs[key], draws[key]) for key in arms],
        "claims": [_claim(claim, aucs, draws) for claim in CLAIMS if (claim.experiment, claim.better) in arms]
        + [_map_claim([results[*key, seed] for seed in seeds]) for key in arms if key[0] == "map"],
    }


def write(report: dict[str, Any], folder: Path) -> None:
    """Write proof.json, proof.md and proof.png."""
    (folder / "proof.json").write_text(json.dumps(report, indent=2) + "\n")
    (folder / "proof.md").write_text(_markdown(report))
    _draw(report, folder / "proof.png")


def _auc(result: Result) -> float:
    auc = roc_auc(result["target"], result["probability"])
    assert auc is not None
    return auc


def _draws(result: Result) -> Any:
    draws = bootstrap_aucs(result["target"], [result["probability"]], result["patient_id"], DRAWS, seed=0)
    assert draws is not None
    return draws[0]


def _model(key: tuple[str, str], aucs: list[float], draws: Any) -> dict[str, Any]:
    low, high = percentile_interval(draws) or (None, None)
    values = {"auc": np.mean(aucs), "ci_low": low, "ci_high": high}
    return {"experiment": key[0], "model": key[1], "aucs": _list(aucs)} | _rounded(values)


def _claim(claim: Claim, aucs: dict[Any, list[float]], draws: dict[Any, Any]) -> dict[str, Any]:
    better, worse = (claim.experiment, claim.better), (claim.experiment, claim.worse)
    each = np.subtract(aucs[better], aucs[worse])
    # Every seed has the same test patients, so one draw of them serves all runs.
    low, high = percentile_interval(draws[better] - draws[worse]) or (np.nan, np.nan)
    values = {"difference": each.mean(), "ci_low": low, "ci_high": high}
    holds = claim.holds(float(each.mean()), low, high)
    return asdict(claim) | _rounded(values) | {"differences": _list(each), "holds": holds}


def _map_claim(results: list[Result]) -> dict[str, Any]:
    each = [float(result["on_lesion"].mean()) for result in results]
    mean = float(np.mean(each))
    return {
        "experiment": "map",
        "at_least": MAP_BAR,
        "on_lesion": _list(each),
        "mean": round(mean, 3),
        "holds": mean >= MAP_BAR,
    }


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(float(value), 4) for name, value in values.items()}


def _list(values: Iterable[float]) -> list[float]:
    return [round(float(value), 4) for value in values]


def _markdown(report: dict[str, Any]) -> str:
    lines = ["| planted | model | test AUC (95 % interval) | each seed |", "|---|---|---|---|"]
    for row in report["models"]:
        each = ", ".join(f"{auc:.3f}" for auc in row["aucs"])
        auc = f"{row['auc']:.3f} ({row['ci_low']:.3f} to {row['ci_high']:.3f})"
        lines.append(f"| {row['experiment']} | {row['model']} | {auc} | {each} |")
    lines += ["", "| claim | asked | measured | holds |", "|---|---|---|---|"]
    lines += [
        f"| {_words(claim)} | {_asked(claim)} | {_measured(claim)} | {'yes' if claim['holds'] else 'no'} |"
        for claim in report["claims"]
    ]
    return "\n".join(lines) + "\n"


def _words(claim: dict[str, Any]) -> str:
    if claim["experiment"] == "map":
        return "map: self_attention on the lesion, over an even map"
    return f"{claim['experiment']}: {claim['better']} less {claim['worse']}"


def _asked(claim: dict[str, Any]) -> str:
    words = {
        "at_least": "at least {:g}",
        "interval_above": "interval above {:g}",
        "interval_below": "interval below {:g}",
    }
    return ", ".join(text.format(claim[name]) for name, text in words.items() if claim.get(name) is not None)


def _measured(claim: dict[str, Any]) -> str:
    if claim["experiment"] == "map":
        return f"{claim['mean']:.2f} times"
    return f"{claim['difference']:+.3f} ({claim['ci_low']:+.3f} to {claim['ci_high']:+.3f})"


def _draw(report: dict[str, Any], path: Path) -> None:
    """Draw the AUC of every model with its interval and seeds, one panel an experiment."""
    models = [row for row in report["models"] if row["experiment"] != "map"]
    experiments = list(dict.fromkeys(row["experiment"] for row in models))
    figure = Figure(figsize=(9.6, 0.55 + 0.42 * (len(models) + len(experiments))), layout="constrained")
    heights = [1 + sum(row["experiment"] == experiment for row in models) for experiment in experiments]
    panels = figure.subplots(len(experiments), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})[
        :, 0
    ]
    for panel, experiment in zip(panels, experiments, strict=True):
        rows = [row for row in models if row["experiment"] == experiment][::-1]
        for place, row in enumerate(rows):
            panel.plot([row["ci_low"], row["ci_high"]], [place, place], color=FAINT, lw=5, solid_capstyle="round")
            panel.plot(row["aucs"], [place] * len(row["aucs"]), "|", color=INK, ms=11)
            panel.plot(row["auc"], place, "o", color=BLUE, ms=8, mec="white")
        panel.set_yticks(range(len(rows)), [row["model"] for row in rows])
        panel.set(ylim=(-0.6, len(rows) - 0.4))
        panel.set_title(TITLES[experiment], loc="left", fontsize=11, color=INK)
        panel.grid(axis="x", color="#DDDDDD")
        panel.spines[:].set_visible(False)
        panel.tick_params(length=0, labelcolor=INK)
    panels[-1].set_xlabel("AUC on held-out patients: mean of the seeds, 95 % interval, each seed", color=INK)
    figure.savefig(path, dpi=DPI)


TITLES = {
    "site": "A sign whose meaning flips between body sites",
    "shuffled": "The same, with the sites dealt out anew",
    "texture": "A sign of single pixels",
    "none": "Nothing planted",
}
