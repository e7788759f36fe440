"""All figures, by what they are about."""

import re
from dataclasses import dataclass

from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.report import why_missing
from melanoma.page import Cell, Section, Table, interval, number


@dataclass(frozen=True)
class Figure:
    """One key of metrics.json, as the page shows it."""

    key: str
    name: str
    meaning: str
    form: str = "{:.3f}"


RANKING, DECISIONS = "Ranking, without a threshold", "Decisions at the threshold"
FIGURES = {
    "Data": [
        Figure("split", "Split", "Which part of the patients was measured.", "{}"),
        Figure("n", "Images", "With a known diagnosis.", "{:,}"),
        Figure("n_positive", "Melanomas", "Images of a malignant lesion.", "{:,}"),
        Figure("n_patients", "Patients", "Whole patients are resampled for the intervals.", "{:,}"),
    ],
    RANKING: [
        Figure("auc", "AUC", "Chance that a malignant image scores above a benign one; guessing gives 0.5."),
        Figure("average_precision", "Average precision", "Precision averaged over recall; guessing gives the share of "
               "melanomas."),
        Figure("top_15_sensitivity", "Top-15 sensitivity", "Share of melanomas among the 15 highest scores of their "
               "patient."),
        Figure("specificity_at_95_sensitivity", "Specificity at 95 % sensitivity", "Share of benign images left alone "
               "when at least 95 of 100 melanomas are found."),
        Figure("specificity_at_90_sensitivity", "Specificity at 90 % sensitivity", "Likewise, of 90 of 100."),
        Figure("sensitivity_at_95_specificity", "Sensitivity at 95 % specificity", "Share of melanomas found when at "
               "least 95 of 100 benign images are left alone."),
    ],
    "Trust in the probability": [
        Figure("brier", "Brier score", "Mean squared error of the probability; 0 is best.", "{:.4f}"),
        Figure("ece", "Expected calibration error", "Gap between probability and frequency in 15 bins; 0 is best. "
               "Resamples are further off than the images, so its interval lies high.", "{:.4f}"),
    ],
    DECISIONS: [
        Figure("threshold", "Threshold", "Probability from which an image is called malignant.", "{:.4g}"),
        Figure("recall", "Sensitivity (recall)", "Share of melanomas called malignant."),
        Figure("specificity", "Specificity", "Share of benign images called benign."),
        Figure("balanced_accuracy", "Balanced accuracy", "Mean of sensitivity and specificity."),
        Figure("precision", "Precision", "Share of melanomas among the images called malignant."),
        Figure("f1", "F1", "Harmonic mean of precision and sensitivity."),
        Figure("accuracy", "Accuracy", "Share of right calls; high without merit where melanomas are rare."),
    ],
    "Cost": [
        Figure("inference_ms_per_image", "Time per image", "Inference alone.", "{:.1f} ms"),
        Figure("model_megabytes", "Model size", "Weights.", "{:.1f} MB"),
    ],
}  # fmt: skip
_COUNTS = {
    "True positives": (1, 1, "Melanomas called malignant."),
    "False negatives": (1, 0, "Melanomas missed."),
    "False positives": (0, 1, "Benign images called malignant."),
    "True negatives": (0, 0, "Benign images called benign."),
}


def all_figures(metrics: Metrics) -> Section:
    """Show every figure with its 95 % interval, where it has one."""
    rows = {caption: [_row(figure, metrics) for figure in figures] for caption, figures in FIGURES.items()}
    rows[RANKING] += [_row(_partial_auc(metrics), metrics), _delong(metrics), *_folds(metrics)]
    rows[DECISIONS] += _counts(metrics)
    return Section(
        "All figures",
        tables=[Table(caption, [], lines) for caption, lines in rows.items()],
        notes=["Below a figure stands its 95 % interval: whole patients are resampled, all figures on the same draws."],
    )


def _row(figure: Figure, metrics: Metrics) -> list[Cell]:
    value, name = metrics[figure.key], Cell(figure.name, note=figure.meaning)
    if value is None:
        return [name, Cell(why_missing(metrics, figure.key), missing=True)]
    ends = interval(metrics.get(f"{figure.key}_ci_low"), metrics.get(f"{figure.key}_ci_high"), figure.form)
    return [name, Cell(figure.form.format(value), note=ends)]


def _partial_auc(metrics: Metrics) -> Figure:
    """Name the partial AUC by where it begins, which its key says."""
    key = next(key for key in metrics if re.fullmatch(r"pauc_[\d.]+", key))
    above = float(key.removeprefix("pauc_"))
    most = 1 - above / 100
    meaning = f"ISIC 2024 metric, 0 to {most:g}; guessing gives {most**2 / 2:.2g}."
    return Figure(key, f"Partial AUC above {above:g} % sensitivity", meaning, "{:.4f}")


def _delong(metrics: Metrics) -> list[Cell]:
    name = Cell("AUC, interval by DeLong", note="Takes every image as independent, so it is too narrow where patients "
                "have several.")  # fmt: skip
    low, high = metrics["auc_delong_low"], metrics["auc_delong_high"]
    return [name, Cell(interval(low, high) or why_missing(metrics, "auc_delong_low"), missing=low is None)]


def _counts(metrics: Metrics) -> list[list[Cell]]:
    matrix = metrics["confusion_matrix"]
    return [
        [Cell(name, note=meaning), Cell(f"{matrix[is_malignant][called]:,}")]
        for name, (is_malignant, called, meaning) in _COUNTS.items()
    ]


def _folds(metrics: Metrics) -> list[list[Cell]]:
    return [
        [Cell(f"AUC of fold {fold}", note="Of its own checkpoint alone."), number(auc, why_missing="one class")]
        for fold, auc in zip(metrics.get("folds", []), metrics.get("fold_aucs", []), strict=True)
    ]
