import pandas as pd
import pytest

from melanoma.evaluation.case_mix import measure_case_mix

COLUMNS = ["patient_id", "sex", "age_approx", "anatom_site_general_challenge", "target"]


def test_who_is_in_a_table():
    rows = [
        ("a", "male", 40.0, "torso", 1),
        ("a", "male", 50.0, "torso", 0),
        ("b", "female", 80.0, None, 0),
        ("c", None, None, None, 0),
    ]
    mix = measure_case_mix(pd.DataFrame(rows, columns=COLUMNS))
    assert (mix.n, mix.patients, mix.melanomas, mix.prevalence) == (4, 3, 1, 0.25)
    assert mix.sexes == {"female": 0.25, "male": 0.5, "unknown": 0.25}
    assert mix.sites == {"torso": 0.5, "unknown": 0.5}
    assert mix.age == pytest.approx([45, 50, 65])
    assert mix.age_unknown == 0.25


def test_nothing_known_and_nothing_there():
    frame = pd.DataFrame([("a", None, None, None, 0)], columns=COLUMNS)
    assert measure_case_mix(frame).age is None
    assert measure_case_mix(frame.astype({"age_approx": "float64"})).age_unknown == 1
    empty = measure_case_mix(frame.iloc[:0])
    assert (empty.n, empty.prevalence, empty.sexes, empty.age_unknown) == (0, None, {}, None)
