"""How the model does for each kind of patient and image."""

from collections.abc import Sequence

from melanoma.evaluation.report import counted
from melanoma.evaluation.subgroups import LEVEL, MIN_PATIENTS, Subgroup
from melanoma.page import Cell, Section, Table, interval, number

HEAD = ["Group", "Images", "Patients", "Melanomas", "AUC", "Sensitivity", "Specificity", "AUC less the others'"]


def show_subgroups(groups: Sequence[Subgroup]) -> Section:
    """Show a table a grouping, and say which gaps are real."""
    groupings = dict.fromkeys(group.grouping for group in groups)
    tables = [
        Table(
            name[0].upper() + name[1:],
            HEAD,
            [_row(group) for group in groups if group.grouping == name],
            sortable=True,
        )
        for name in groupings
    ]
    return Section(
        "Subgroups",
        lead=lead(groups),
        tables=tables,
        notes=[
            "Sensitivity and specificity are those at the frozen threshold. Intervals resample whole patients.",
            f"A gap is judged where the group and everybody else have {MIN_PATIENTS} patients with a malignant image "
            f"and as many with a benign one. It is called real where p, corrected by Holm's method for all groups "
            f"judged, is below {LEVEL}. With fewer patients, the interval of the group's AUC is too narrow, too.",
        ],
    )


def lead(groups: Sequence[Subgroup]) -> str:
    """Say in a sentence or two which groups the model does worse or better for."""
    judged = [group for group in groups if group.enough]
    unable = counted(len(groups) - len(judged), "group")
    if not groups:
        return "Unable to tell for whom the AUC differs: neither sex, age nor site is known."
    if not judged:
        few = "the one group is not" if len(groups) == 1 else f"none of the {len(groups)} groups is"
        return f"Unable to tell for whom the AUC differs: {few} large enough."
    rest = (
        f" {unable} {'is' if unable.startswith('1 ') else 'are'} too small to tell."
        if len(groups) > len(judged)
        else ""
    )
    real = [group for group in judged if group.flagged]
    if not real:
        return f"No gap of AUC in the {counted(len(judged), 'group')} judged is more than chance explains.{rest}"
    named = "; ".join(f"{group.grouping} {group.value} ({group.difference:+.3f})" for group in real)
    return f"The AUC differs from everybody else's by more than chance explains for: {named}.{rest}"


def _row(group: Subgroup) -> list[Cell]:
    def value(key: str, form: str = "{:.3f}", note: str = "") -> Cell:
        cell = number(getattr(group, key), form, group.why_missing.get(key, "not defined"))
        return Cell(cell.text, cell.sort, cell.missing, note)

    gap = "" if group.p_holm is None else f"corrected p {group.p_holm:.3f}" + (": a real gap" if group.flagged else "")
    return [
        Cell(group.value),
        *(number(count, "{:,}") for count in (group.n, group.patients, group.positives)),
        value("auc", note=interval(group.auc_ci_low, group.auc_ci_high)),
        value("sensitivity"),
        value("specificity"),
        value("difference", "{:+.3f}", gap) if group.enough else Cell("unable to tell", sort="", missing=True),
    ]
