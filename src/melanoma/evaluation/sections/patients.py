"""What a patient's other images add."""

from collections.abc import Sequence

from melanoma.evaluation.patients import FEWEST, ContextScore
from melanoma.page import Cell, Section, Table, interval, number


def show_patients(scores: Sequence[ContextScore]) -> Section:
    """Show a row a score, with a mark at those that use the patient's other test images."""
    rows = [
        [
            Cell(f"{score.of[0].upper()}{score.of[1:]}: {score.score}"),
            number(score.n, "{:,}"),
            number(score.positives, "{:,}"),
            _auc(score),
            Cell("yes" if score.uses_other_images else "no"),
        ]
        for score in scores
    ]
    head = ["Score", "Ranked", "Malignant", "AUC", "Uses the patient's other test images"]
    return Section(
        "Patients",
        lead="What the other images of a test patient add. No figure of the predictions above uses them.",
        tables=[Table("AUC of images, lesions and patients", head, rows, sortable=True)],
        notes=[
            "A lesion, or a patient, is malignant if any of its images is. Ugly duckling: the logit, plus its distance "
            f"from the mean of the patient's images in their standard deviations, of patients with {FEWEST} images or "
            "more. Noisy or: the chance that one image at least is malignant, which needs calibrated probabilities.",
        ],
    )


def _auc(score: ContextScore) -> Cell:
    found = number(score.auc, why_missing="not defined: one class")
    return Cell(found.text, found.sort, found.missing, interval(score.auc_ci_low, score.auc_ci_high))
