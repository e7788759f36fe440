from types import SimpleNamespace

import pandas as pd
import pytest

from melanoma.evaluation.cautions import cautions
from melanoma.evaluation.predictions_file import lone_patient
from melanoma.evaluation.subject import Subject
from melanoma.evaluation.thresholds import Threshold

NAMES = pd.Series([f"i{place}" for place in range(80)])


def told(patients=None, target=None, columns=None):
    """What is said of 80 images, by default of 40 patients who each have one of either class."""
    patients = [f"p{place // 2}" for place in range(80)] if patients is None else patients
    data = SimpleNamespace(columns=SimpleNamespace(patient_id=columns))
    members = [SimpleNamespace(opened=SimpleNamespace(own=SimpleNamespace(data=data)))] if columns else []
    target = [0, 1] * 40 if target is None else target
    predictions = pd.DataFrame({"image_name": NAMES, "patient_id": patients, "target": target})
    return cautions(Subject(predictions, "all", Threshold(0.5, ""), "", "", {}, {}, members=members))


@pytest.mark.parametrize(
    ("patients", "columns", "beginning"),
    [
        (lone_patient(NAMES), None, "Patients are not known: the image stands for the patient"),
        (["p"] * 20 + list(lone_patient(NAMES))[20:], None, "The patients of 60 of 80 images are not known: each of"),
        (None, ["lesion_id", "image_id"], "Patients are not known: lesion_id else image_id stands for"),
    ],
)
def test_what_stands_for_patients_is_told(patients, columns, beginning):
    (sentence,) = told(patients, columns=columns)
    assert sentence.startswith(beginning)


@pytest.mark.parametrize("columns", [None, ["patient_id"]])
def test_nothing_is_said_of_patients_who_are_known(columns):
    assert told(columns=columns) == []


@pytest.mark.parametrize(
    ("positives", "beginning"),
    [
        (0, None),
        (1, "Only 1 patient has a melanoma: with fewer than 10, 95 % intervals are too narrow by far."),
        (9, "Only 9 patients have a melanoma: with fewer than 10"),
        (29, "Only 29 patients have a melanoma: with fewer than 30, 95 % intervals are too narrow."),
        (30, None),
        (71, "Only 9 patients have a benign image"),
        (80, None),
    ],
)
def test_few_patients_of_a_class_are_told(positives, beginning):
    found = told(patients=list(NAMES), target=[1] * positives + [0] * (80 - positives))
    assert [sentence.startswith(beginning) for sentence in found] == [True] * (beginning is not None)
