"""Whether the model reads the lesion, or what comes with the picture."""

from pathlib import Path

from melanoma.evaluation.flips import TOO_FEW, Flips, Share
from melanoma.evaluation.rankings import Gap, Ranking
from melanoma.evaluation.report import capital
from melanoma.evaluation.shortcut_verdict import MARGIN, Verdict
from melanoma.evaluation.shortcuts import Shortcuts
from melanoma.evaluation.strata import Strata
from melanoma.models.alterations import CENTRE, QUALITY, STEP
from melanoma.page import Cell, Section, Table, embed, interval, number

NOTES_OF_PICTURES = (
    f"The centre is a square of {CENTRE:g} of the picture's side. The centre only: it is cut out and resized to the "
    "whole. Blacked out: it is black, and the rest as it was; of a lesion that reaches beyond it, or fills the "
    "picture, a part is still seen. No metadata: site, sex and age are unknown. Pictures are altered after they were "
    "read and resized, and shown in one view.",
    f"Brightness and contrast are multiplied, or divided, by {STEP:g}; the JPEG has quality {QUALITY}, at the size "
    "that the model sees. Calls are made at the threshold of this page. None of these changes the diagnosis.",
)


def show_shortcuts(audit: Shortcuts, verdict: Verdict, picture: Path) -> Section:
    """Show what is left of the AUC without the lesion and without the picture, and how steady the calls are."""
    tables = []
    if audit.parts:
        head = ["What the model is shown", "AUC", "Less than unaltered by"]
        tables.append(Table("Altered images", head, [_ranking(one) for one in audit.parts], sortable=True))
    if audit.floors:
        head = ["What is known", "AUC", "Below the predictions by"]
        tables.append(Table("Without a pixel", head, [_ranking(one) for one in audit.floors], sortable=True))
    tables += [_strata(one) for one in audit.strata if one.auc is not None]
    if audit.flips:
        head = ["Alteration", "All images", "Benign", "Malignant"]
        tables.append(Table("Calls that change", head, [_flips(one) for one in audit.flips], sortable=True))
    return Section(
        "Shortcut audit",
        lead=verdict.words,
        pictures=[embed("AUC by what there is to go by", picture)],
        tables=tables,
        notes=[*_why_missing(audit), *(NOTES_OF_PICTURES if audit.parts else ()), *_notes(audit)],
    )


def _why_missing(audit: Shortcuts) -> list[str]:
    """Say what is not shown, and why."""
    altered = [f"No altered image was scored: {audit.why_not_altered}."] if audit.why_not_altered else []
    strata = [f"Within one {one.grouping}: {one.why_missing}." for one in audit.strata if one.why_missing]
    return [*altered, " ".join(strata)] if strata else altered


def _notes(audit: Shortcuts) -> list[str]:
    notes = []
    if any(one.auc is not None for one in audit.floors):
        notes.append(
            f"The floor is naive Bayes, learnt from {audit.learnt_from}. Images per patient counts the patient's other "
            "images here, which a model does not see. A model that is given age, sex or site may use them; the floor "
            "tells how far they go by themselves."
        )
    if any(one.auc is not None for one in audit.strata):
        notes.append(
            "Within one image size, or source, all pairs of a malignant and a benign image that share it are put "
            "together, so the groups with most pairs weigh most."
        )
    return [
        *notes,
        "All intervals resample whole patients, and all figures are of the same draws. A shortcut is called found "
        "where, with the centre blacked out and no metadata, the interval of the AUC less the floor (or 0.5, if that "
        "is more) is above 0; where the model is below the floor; where the AUC within one size or source is lower; or "
        f"where whole images without metadata leave an AUC whose interval ends less than {MARGIN:g} above 0.5. "
        "It is possible where that AUC is not above the floor but apart from 0.5, and not found where its distance "
        f"from the floor ends below {MARGIN:g}.",
    ]


def _ranking(one: Ranking) -> list[Cell]:
    name = Cell(capital(one.name))
    if one.auc is None:
        return [name, Cell(one.why_missing or "", sort="", missing=True), Cell("", sort="")]
    below = _gap(one.below) if one.below else Cell("", sort="")
    return [name, _with_interval(one.auc, one.auc_ci_low, one.auc_ci_high), below]


def _strata(strata: Strata) -> Table:
    head = ["Images of", "Images", "Malignant", "AUC", "Less than over all by"]
    caption = f"Within one {strata.grouping}"
    assert strata.auc is not None  # noqa: S101 the others are told of in words
    assert strata.difference is not None  # noqa: S101
    gap = Gap(strata.difference, strata.difference_ci_low, strata.difference_ci_high)
    share = f"{100 * (strata.pairs_share or 0):.1f} % of all pairs, in {strata.groups:,} groups"
    pooled = _with_interval(strata.auc, strata.auc_ci_low, strata.auc_ci_high)
    rows = [[Cell("One and the same, put together", note=share), Cell(""), Cell(""), pooled, _gap(gap)]]
    for one in strata.largest:
        auc = _with_interval(one.auc, one.auc_ci_low, one.auc_ci_high)
        rows.append([Cell(one.value), number(one.n, "{:,}"), number(one.positives, "{:,}"), auc, Cell("")])
    return Table(caption, head, rows)


def _flips(flips: Flips) -> list[Cell]:
    return [Cell(capital(flips.alteration)), *map(_share, (flips.every, flips.benign, flips.malignant))]


def _share(share: Share) -> Cell:
    found = number(None if share.rate is None else 100 * share.rate, "{:.1f} %", TOO_FEW)
    if share.ci_low is None or share.ci_high is None:
        return found
    return Cell(found.text, found.sort, note=f"{100 * share.ci_low:.1f} to {100 * share.ci_high:.1f} %")


def _gap(gap: Gap) -> Cell:
    return _with_interval(gap.value, gap.ci_low, gap.ci_high, "{:+.3f}")


def _with_interval(value: float, low: float | None, high: float | None, form: str = "{:.3f}") -> Cell:
    return Cell(form.format(value), value, note=interval(low, high, form))
