"""The columns of the comparison, for page, Markdown and terminal alike."""

from dataclasses import dataclass

from melanoma.compare.measure import BATCH, Measured
from melanoma.compare.paired import LEVEL, Pair
from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.report import why_missing
from melanoma.page import Cell


@dataclass(frozen=True)
class Column:
    """One figure of every run."""

    key: str
    title: str
    form: str
    """How the figures become a cell."""
    meaning: str
    more_is_better: bool | None = True
    """None where neither is."""


AUC = Column("auc", "AUC", "{auc:.3f}", "Chance that a malignant image scores above a benign one; guessing gives 0.5.")
INTERVAL = Column(
    "auc_ci_low", "95 % interval", "{auc_ci_low:.3f} to {auc_ci_high:.3f}", "Of the AUC; whole patients are resampled."
)
REPORTED = Column(
    "reported_auc", "AUC in the study", "{reported_auc:.3f}", "As the study printed it, for other patients."
)
DECISIONS = (
    Column("recall", "Sensitivity", "{recall:.3f}", "Or recall: share of melanomas called malignant."),
    Column("specificity", "Specificity", "{specificity:.3f}", "Share of benign images called benign."),
    Column("precision", "Precision", "{precision:.3f}", "Share of melanomas among the images called malignant."),
    Column("f1", "F1", "{f1:.3f}", "Harmonic mean of precision and sensitivity."),
    Column(
        "accuracy", "Accuracy", "{accuracy:.3f}", "Share of right calls; high without merit where melanomas are rare."
    ),
)
COST = (
    Column("epoch_seconds", "s/epoch", "{epoch_seconds:.1f}", "Median seconds of training an epoch.", False),
    Column("epochs", "Epochs", "{epochs}", "Of training, the ones after the best included.", None),
    Column(
        "inference_ms_per_image",
        "ms/image",
        "{inference_ms_per_image:.1f}",
        "Inference alone, one image at a time.",
        False,
    ),
    Column(
        f"inference_ms_per_image_batch_{BATCH}",
        f"ms/image, batch {BATCH}",
        f"{{inference_ms_per_image_batch_{BATCH}:.1f}}",
        f"Inference alone, {BATCH} images at once.",
        False,
    ),
    Column(
        f"inference_peak_megabytes_batch_{BATCH}",
        "Peak MB",
        f"{{inference_peak_megabytes_batch_{BATCH}:,.1f}}",
        f"Memory of weights and tensors, {BATCH} images at once.",
        False,
    ),
    Column("parameters", "Parameters", "{parameters:,}", "Weights and biases.", False),
    Column("model_megabytes", "Size in MB", "{model_megabytes:.1f}", "Of weights and buffers.", False),
)

PAIRS = {
    "Difference of AUC": "Of the first run less that of the second.",
    "95 % interval": "Whole patients are resampled, the same ones for both runs.",
    "p (DeLong)": "Takes every image as independent, where the interval takes patients.",
    "p (Holm)": "Corrected for the number of comparisons shown.",
    "Told apart": f"Where the corrected p is below {LEVEL} and the interval excludes 0.",
}
"""The columns of the differences, and what they mean."""


def columns_of_quality(runs: list[Measured]) -> list[Column]:
    """Choose the columns of what the runs reach; the study's own figure only where it was asked for."""
    asked = any("reported_auc" in run.figures for run in runs)
    return [AUC, INTERVAL, *([REPORTED] if asked else []), *DECISIONS]


def cell(figures: Metrics, column: Column) -> Cell:
    """Put one figure of a run into words."""
    if figures[column.key] is None:
        return Cell(why_no_figure(figures, column.key), missing=True)
    return Cell(column.form.format(**figures))


def why_no_figure(figures: Metrics, key: str) -> str:
    """Say why the figure under `key` is None."""
    if key in ("epochs", "epoch_seconds"):
        return "not known: the run has no history.csv"
    if key == "reported_auc":
        return "none"
    if key.startswith("inference_peak"):
        return "not counted on this device"
    return why_missing(figures, key)


def pair_cells(pair: Pair) -> list[Cell]:
    """Put a pair into words, a cell for each of `PAIRS`."""
    shown = {
        "difference": "" if pair.difference is None else f"{pair.difference:+.3f}",
        "ci_low": "" if pair.ci_low is None else f"{pair.ci_low:+.3f} to {pair.ci_high:+.3f}",
        "p": "" if pair.p is None else p_text(pair.p),
        "p_holm": "" if pair.p_holm is None else p_text(pair.p_holm),
    }
    cells = [Cell(pair.why_missing.get(key, text), missing=key in pair.why_missing) for key, text in shown.items()]
    return [*cells, Cell("yes" if pair.told_apart else "no")]


def p_text(p: float) -> str:
    """Write a p to three digits; smaller ones as below 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
