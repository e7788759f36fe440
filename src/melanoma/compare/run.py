"""Run directories -> compare.html, compare.md, compare.json, predictions.csv and pictures, in reading order."""

import logging
from dataclasses import replace
from pathlib import Path

from melanoma.compare.export import write_json, write_predictions
from melanoma.compare.labels import label_runs
from melanoma.compare.measure import Measured, measure, scoring_config
from melanoma.compare.page import terminal_table, write_html, write_markdown
from melanoma.compare.paired import compare_pairs
from melanoma.compare.pictures import PICTURES
from melanoma.compare.results import Results, finding
from melanoma.compare.runs import find_runs
from melanoma.config import CompareConfig
from melanoma.errors import ConfigError
from melanoma.evaluation.intervals import bootstrap_aucs, figure_interval
from melanoma.evaluation.run_folders import CHECKPOINT
from melanoma.evaluation.same_rows import require_same_rows
from melanoma.evaluation.scoring import open_checkpoint

_log = logging.getLogger(__name__)


def compare(config: CompareConfig, run_dir: Path) -> None:
    """Score several runs on the same test patients into `run_dir`.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    directories = find_runs(config.runs)
    asked = [scoring_config(config, directory / CHECKPOINT) for directory in directories]
    opened = [open_checkpoint(one) for one in asked]
    labels = label_runs([one.checkpoint.config for one in opened])
    _require_baseline(config.baseline, labels)
    require_same_rows(
        dict(zip(labels, (one.table for one in opened), strict=True)),
        "runs",
        "Train them with one split.seed, or give each the data.splits=FILE of the other",
    )
    runs = []
    for one, config_of, directory, label in zip(opened, asked, directories, labels, strict=True):
        _log.info("%s: %s", label, directory)
        runs.append(measure(one, config_of, directory, label))
    require_same_rows(
        {run.label: run.predictions for run in runs},
        "runs",
        "Images that one run cannot read are missing in it: mend them, or compare runs of one reader",
    )
    results = _results(_aligned(runs), config)
    _write(run_dir, results)
    print(finding(results))
    print(terminal_table(results))
    print(f"page {run_dir / 'compare.html'}")


def _require_baseline(baseline: str | None, labels: list[str]) -> None:
    if baseline is not None and baseline not in labels:
        raise ConfigError(
            f"baseline={baseline} is none of the runs: {', '.join(labels)}; a name with blanks needs two pairs of "
            "quotes, as in \"baseline='NAME'\""
        )


def _aligned(runs: list[Measured]) -> list[Measured]:
    """Put every run's predictions into the first one's order."""
    order = runs[0].predictions["image_name"]
    return [replace(run, predictions=run.predictions.set_index("image_name").loc[order].reset_index()) for run in runs]


def _results(runs: list[Measured], config: CompareConfig) -> Results:
    """Put intervals and differences beside the figures, with the highest AUC first."""
    table = runs[0].predictions
    target = table["target"].to_numpy(dtype=int)
    scores = [run.predictions["probability"].to_numpy() for run in runs]
    draws = bootstrap_aucs(target, scores, table["patient_id"].to_numpy(), config.bootstrap_draws, config.seed)
    for place, run in enumerate(runs):
        interval = None if draws is None else figure_interval(draws[place])
        run.figures["auc_ci_low"], run.figures["auc_ci_high"] = interval or (None, None)
        if config.study:
            run.figures["reported_auc"] = config.reported.get(run.model)
    order = sorted(range(len(runs)), key=lambda place: -(runs[place].auc or 0))
    pairs = compare_pairs(
        target,
        {runs[place].label: scores[place] for place in order},
        {run.label: run.auc for run in runs},
        None if draws is None else {run.label: draws[place] for place, run in enumerate(runs)},
        config.baseline,
    )
    return Results([runs[place] for place in order], pairs, config.baseline, config.bootstrap_draws)


def _write(run_dir: Path, results: Results) -> None:
    plots = run_dir / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    pictures = {}
    for title, (name, plot) in PICTURES.items():
        pictures[title] = plots / f"{name}.png"
        plot(results.runs, pictures[title])
    write_predictions(run_dir / "predictions.csv", results)
    write_json(run_dir / "compare.json", results)
    write_markdown(run_dir / "compare.md", results, pictures)
    write_html(run_dir / "compare.html", results, pictures)
