from types import SimpleNamespace

import pandas as pd
import pytest

from melanoma.evaluation.predictions_file import lone_patient
from melanoma.evaluation.subject import Subject
from melanoma.evaluation.thresholds import Threshold

NAMES = pd.Series(["a", "b"])


def subject(patients, columns=None):
    data = SimpleNamespace(columns=SimpleNamespace(patient_id=columns))
    members = [SimpleNamespace(opened=SimpleNamespace(own=SimpleNamespace(data=data)))] if columns else []
    predictions = pd.DataFrame({"image_name": NAMES, "patient_id": patients})
    return Subject(predictions, "all", Threshold(0.5, ""), "", "", {}, {}, members=members)


@pytest.mark.parametrize(
    ("patients", "columns", "stand_in"),
    [
        (["p", "q"], None, None),
        (lone_patient(NAMES), None, "the image"),
        (["p", "q"], ["patient_id"], None),
        (["p", "q"], ["lesion_id", "image_id"], "lesion_id else image_id"),
    ],
)
def test_what_stands_for_patients_is_told(patients, columns, stand_in):
    told = subject(patients, columns).patients_unknown
    assert told is None if stand_in is None else told.startswith(f"Patients are not known: {stand_in} stands for")
