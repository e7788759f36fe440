"""Another data set beside the model's own test split."""

import re
from collections.abc import Sequence
from pathlib import Path

from melanoma.evaluation.case_mix import CaseMix
from melanoma.evaluation.external import External, Figure
from melanoma.evaluation.groupings import UNKNOWN
from melanoma.evaluation.overlap import describe
from melanoma.page import Cell, Section, Table, embed, interval, number

NAMES = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "recall": "Sensitivity",
    "specificity": "Specificity",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "accuracy": "Accuracy",
    "brier": "Brier score",
    "ece": "Calibration error",
    "slope": "Calibration slope",
    "intercept": "Calibration intercept, beside the slope",
    "in_the_large": "Calibration in the large",
    "prevalence": "Share of melanomas",
}
HEAD = ["", "Internal", "External", "Drop"]
OF_DROPS = (
    "Drop: external less internal; of Brier score and calibration error, more is worse. Intervals resample whole "
    "patients, of both data sets independently; those of slope and intercepts take a patient's images together. Model, "
    "threshold and calibration are the same on both."
)
OF_PREVALENCE = (
    "Not comparable: the figure depends on the share of melanomas, which the two data sets do not have in common."
)
OF_PATIENTS = (
    "A drop may come from who is in the data set as much as from the model: see who is in the data. Other images of a "
    "patient whom the model was trained on cannot be known again."
)


def show_external(found: External, picture: Path | None) -> Section:
    """Show figures and patients side by side; without the own test split, the patients alone and the reason."""
    tables = [_patients(found)]
    if found.figures:
        tables = [Table("Figures at the frozen threshold", HEAD, [_row(one) for one in found.figures]), *tables]
    return Section(
        "External validation",
        lead=" ".join(lead(found)),
        pictures=[] if picture is None else [embed("ROC curves, internal and external", picture)],
        tables=tables,
        notes=[*_notes_of_figures(found), OF_PATIENTS],
    )


def _notes_of_figures(found: External) -> list[str]:
    if not found.figures:
        return []
    notes = [f"Internal: the model's own test split ({found.own_data}), {found.internal}.", OF_DROPS]
    return notes if all(one.comparable for one in found.figures) else [*notes, OF_PREVALENCE]


def lead(found: External) -> list[str]:
    """Say what became of the AUC, and which images were left out, a sentence or two each."""
    counts = found.overlap
    overlap = [describe(counts)] if counts.known or counts.without_pictures or counts.unread else []
    if not found.figures:
        return [f"The model's own test split is not shown beside {found.data}: {found.internal}.", *overlap]
    return [f"{_of_auc(found)}{_of_decisions(found)}", *overlap]


def _of_auc(found: External) -> str:
    auc = next(figure for figure in found.figures if figure.key == "auc")
    if auc.drop is None or auc.internal is None or auc.external is None:
        missing = "external" if auc.external is None else "internal"
        return f"The drop of the AUC on {found.data} is {auc.why_missing[missing]} ({missing})."
    here = f"{auc.external:.3f}{_ends(auc.external_ci_low, auc.external_ci_high)}"
    own = f"{auc.internal:.3f}{_ends(auc.internal_ci_low, auc.internal_ci_high)}"
    way = "lower" if auc.drop < 0 else "higher"
    size = f"On {found.data} the AUC is {here}, {abs(auc.drop):.3f} {way} than on the model's own test patients, {own}"
    return f"{size}; {_is_chance(auc)}."


def _of_decisions(found: External) -> str:
    """Say how both rates moved, where both data sets have them."""
    rates = [figure for figure in found.figures if figure.key in ("recall", "specificity")]
    moves = [
        f"{NAMES[one.key].lower()} is {one.external:.3f}, and was {one.internal:.3f}"
        for one in rates
        if one.external is not None and one.internal is not None
    ]
    return f" At the frozen threshold {'; '.join(moves)}." if moves else ""


def _is_chance(auc: Figure) -> str:
    low, high = auc.drop_ci_low, auc.drop_ci_high
    if low is None or high is None:
        return "there are too few patients to tell whether that is more than chance"
    if low <= 0 <= high:
        return f"chance may explain the difference ({interval(low, high, '{:+.3f}')})"
    if high < 0:
        return f"the drop ({interval(-high, -low)}) is more than chance explains"
    return f"the gain ({interval(low, high)}) is more than chance explains"


def _ends(low: float | None, high: float | None) -> str:
    ends = interval(low, high)
    return f" ({ends})" if ends else ""


def _row(one: Figure) -> list[Cell]:
    form = "{:.4f}" if one.key.startswith(("pauc", "brier", "ece")) else "{:.3f}"
    name = NAMES.get(one.key) or re.sub(r"pauc_(.+)", r"Partial AUC above \1 % sensitivity", one.key)

    def cell(kind: str, form: str) -> Cell:
        shown = number(getattr(one, kind), form, one.why_missing.get(kind, "not defined"))
        ends = interval(getattr(one, f"{kind}_ci_low"), getattr(one, f"{kind}_ci_high"), form)
        return Cell(shown.text, shown.sort, shown.missing, ends)

    note = "" if one.comparable else "not comparable"
    signed = form.replace(":", ":+")
    return [Cell(name, note=note), cell("internal", form), cell("external", form), cell("drop", signed)]


def _patients(found: External) -> Table:
    sides = found.case_mix
    head = ["", *HEAD[1:3]] if len(sides) == 2 else ["", HEAD[2]]
    rows = [
        _line("Images", [f"{side.n:,}" for side in sides]),
        _line("Patients", [f"{side.patients:,}" for side in sides]),
        _line("Melanomas", [f"{side.melanomas:,}" for side in sides], [_percent(side.prevalence) for side in sides]),
        _line("Age: median", [_age(side) for side in sides], [_quartiles(side) for side in sides]),
        _line("Age unknown", [_percent(side.age_unknown) for side in sides]),
        *_shares("Sex", [side.sexes for side in sides]),
        *_shares("Site", [side.sites for side in sides]),
    ]
    return Table("Who is in the data", head, rows)


def _line(name: str, values: Sequence[str], notes: Sequence[str] = ()) -> list[Cell]:
    return [
        Cell(name),
        *(Cell(value, note=note) for value, note in zip(values, notes or [""] * len(values), strict=True)),
    ]


def _shares(name: str, sides: list[dict[str, float]]) -> list[list[Cell]]:
    """Give a row a value that any side has, the unknown ones last."""
    values = sorted({value for side in sides for value in side}, key=lambda value: (value == UNKNOWN, value))
    return [_line(f"{name}: {value}", [_percent(side.get(value, 0)) for side in sides]) for value in values]


def _age(side: CaseMix) -> str:
    return "not known" if side.age is None else f"{side.age[1]:.0f}"


def _quartiles(side: CaseMix) -> str:
    return "" if side.age is None else f"quartiles {side.age[0]:.0f} to {side.age[2]:.0f}"


def _percent(share: float | None) -> str:
    return "not defined" if share is None else f"{100 * share:.1f} %"
