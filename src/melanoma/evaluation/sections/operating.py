"""What a threshold means where melanomas are rare."""

from collections.abc import Sequence
from pathlib import Path

from melanoma.evaluation.prevalence import Interval, OperatingPoint
from melanoma.evaluation.threshold_table import ThresholdRow
from melanoma.page import Cell, Section, Table, embed, interval, number

HEAD = ["Share of melanomas", "Sensitivity", "Specificity", "PPV", "NPV", "Number needed to biopsy"]
TABLE = ["Threshold", "Called malignant", "Melanomas among them", "Sensitivity", "Specificity", "PPV", "NPV"]
NOT_CALLED, NO_MELANOMA, NO_BENIGN = "none is called so", "no melanoma", "no benign image"


def show_operating(points: Sequence[OperatingPoint], thresholds: Sequence[ThresholdRow], picture: Path) -> Section:
    """Show a table a threshold, with a row a prevalence, the decision curves, and other thresholds."""
    names = dict.fromkeys((point.name, point.threshold) for point in points)
    tables = [
        Table(f"{name}: {threshold:.4g}", HEAD, [_row(point) for point in points if point.name == name], sortable=True)
        for name, threshold in names
    ]
    tables.append(Table("Other thresholds, on these images", TABLE, [_threshold(row) for row in thresholds], True))
    return Section(
        "Operating points",
        lead="Predictive values depend on how frequent melanomas are where the model is used.",
        pictures=[embed("Net benefit", picture)],
        tables=tables,
        notes=[
            "PPV: share of melanomas among lesions called malignant; NPV: share of benign ones among those called "
            "benign. Number needed to biopsy: lesions called malignant for each melanoma among them. They follow from "
            "sensitivity and specificity here by Bayes' rule; intervals resample whole patients.",
            "The other thresholds are fixed numbers. To take the best of them for these images would flatter it.",
            "Net benefit weighs melanomas found against biopsies in vain, as one does who biopsies from a given "
            "probability on (Vickers and Elkin 2006). The model is of use where its line is above both others, and its "
            "probabilities are calibrated.",
        ],
    )


def _row(point: OperatingPoint) -> list[Cell]:
    # Bayes' rule takes both rates.
    why = NO_MELANOMA if point.sensitivity is None else NO_BENIGN if point.specificity is None else NOT_CALLED

    def value(key: str, ends: Interval, form: str = "{:.4f}") -> Cell:
        found = number(getattr(point, key), form, why)
        return Cell(found.text, found.sort, found.missing, "" if ends is None else interval(*ends, form))

    return [
        Cell(f"{100 * point.prevalence:.3g} %", sort=point.prevalence),
        number(point.sensitivity, why_missing=NO_MELANOMA),
        number(point.specificity, why_missing=NO_BENIGN),
        value("ppv", point.ppv_interval),
        value("npv", point.npv_interval),
        value("number_needed_to_biopsy", point.number_needed_to_biopsy_interval, "{:.1f}"),
    ]


def _threshold(row: ThresholdRow) -> list[Cell]:
    return [
        number(row.threshold, "{:.4g}"),
        number(row.called_malignant, "{:,}"),
        number(row.found, "{:,}"),
        number(row.sensitivity, why_missing=NO_MELANOMA),
        number(row.specificity, why_missing=NO_BENIGN),
        number(row.ppv, "{:.4f}", NOT_CALLED),
        number(row.npv, "{:.4f}", NOT_CALLED),
    ]
