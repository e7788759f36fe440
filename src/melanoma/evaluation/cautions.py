"""What makes the 95 % intervals narrower than they say."""

from melanoma.evaluation.predictions_file import lone_patient
from melanoma.evaluation.report import counted
from melanoma.evaluation.subject import Subject

FEW, VERY_FEW = 30, 10
"""Patients of a class with fewer than whom a 95 % interval holds the truth in 86 to 91, and in fewer, of 100 cases
(scripts/interval_coverage.py)."""


def cautions(subject: Subject) -> list[str]:
    """Say what to know before an interval is believed, a sentence each."""
    return [words for words in (_patients_unknown(subject), _few_patients(subject)) if words]


def _patients_unknown(subject: Subject) -> str | None:
    """Say what stands for the patients, where they are not known."""
    too_narrow = "so intervals are too narrow where a patient has several."
    if subject.members:
        columns = subject.members[0].opened.own.data.columns.patient_id
        if columns == ["patient_id"]:
            return None
        return f"Patients are not known: {' else '.join(columns)} stands for the patient, {too_narrow}"
    unknown = subject.predictions["patient_id"] == lone_patient(subject.predictions["image_name"])
    if unknown.all():
        return f"Patients are not known: the image stands for the patient, {too_narrow}"
    if unknown.any():
        return (
            f"The patients of {unknown.sum():,} of {len(unknown):,} images are not known: each of these images stands "
            f"for a patient, {too_narrow}"
        )
    return None


def _few_patients(subject: Subject) -> str | None:
    """Say that a class has few patients; the bootstrap cannot draw those who are not there."""
    table = subject.predictions
    patients = {
        noun: table.loc[table["target"] == label, "patient_id"].nunique()
        for label, noun in ((1, "melanoma"), (0, "benign image"))
    }
    noun, fewest = min(patients.items(), key=lambda item: item[1])
    # Without one there is no AUC, and its place says so.
    if not 0 < fewest < FEW:
        return None
    far = " by far" if fewest < VERY_FEW else ""
    return (
        f"Only {counted(fewest, 'patient')} {'has' if fewest == 1 else 'have'} a {noun}: with fewer than "
        f"{VERY_FEW if far else FEW}, 95 % intervals are too narrow{far}."
    )
