import numpy as np
import pandas as pd

from melanoma.evaluation.groupings import group_images


def groups(**columns):
    return {name: values.astype(str).tolist() for name, values in group_images(pd.DataFrame(columns)).items()}


def test_a_missing_value_is_a_group():
    assert groups(sex=["male", None]) == {"sex": ["male", "unknown"], "metadata": ["complete", "something missing"]}


def test_ages_are_put_into_bands_closed_on_the_left():
    assert groups(age_approx=[0, 29.9, 30, 50, 70, np.nan])["age"] == [
        "0-29",
        "0-29",
        "30-49",
        "50-69",
        "70+",
        "unknown",
    ]


def test_a_column_without_values_gives_no_grouping():
    assert groups(sex=[None, None], source=["a", "b"]) == {"source": ["a", "b"]}


def test_few_sizes_are_groups_and_many_are_bands():
    assert groups(width=[640, 640, np.nan], height=[480, 480, 480])["image size"] == ["640 x 480 px"] * 2 + ["unknown"]
    many = groups(width=[100, 1500, 1600, 1700, 3000, 6000, 7000], height=[1000] * 7)["image size"]
    assert many == ["under 1 megapixel", *["1 to 4 megapixels"] * 4, *["4 to 12 megapixels"] * 2]


def test_one_source_or_size_for_all_is_no_grouping():
    assert groups(source=["a", "a"], width=[640, 640], height=[480, 480]) == {}
