"""The comparison for other programs: compare.json and predictions.csv."""

import json
from dataclasses import asdict
from pathlib import Path

from melanoma.compare.figures import why_no_figure
from melanoma.compare.measure import Measured
from melanoma.compare.results import Results, finding, notes
from melanoma.durable import replace_text

_OF_ALL = ("split", "n", "n_positive", "n_patients")
"""Figures of the test split, which are the same for every run."""


def write_json(path: Path, results: Results) -> None:
    """Write all figures under the keys of metrics.json; `why_missing` has the reason behind each null."""
    test = results.runs[0].figures
    content = {
        "finding": finding(results),
        "test": {key: test[key] for key in _OF_ALL},
        "runs": [_run(run) for run in results.runs],
        "baseline": results.baseline,
        "pairs": [asdict(pair) | {"told_apart": pair.told_apart} for pair in results.pairs],
        "notes": notes(results),
    }
    replace_text(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def write_predictions(path: Path, results: Results) -> None:
    """Write image_name, patient_id, target and each run's probability, under its name."""
    table = results.runs[0].predictions[["image_name", "patient_id", "target"]]
    probabilities = {run.label: run.predictions["probability"].to_numpy() for run in results.runs}
    replace_text(path, table.assign(**probabilities).to_csv(index=False))


def _run(run: Measured) -> dict[str, object]:
    figures = {key: value for key, value in run.figures.items() if key not in _OF_ALL}
    missing = {key: why_no_figure(run.figures, key) for key, value in figures.items() if value is None}
    return {"name": run.label, "model": run.model, **figures, "why_missing": missing, "facts": run.facts}
