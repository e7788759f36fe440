import json

import pandas as pd
import pytest

from melanoma.data.audit import audit


@pytest.fixture
def split():
    return pd.Series(["train"] * 6 + ["val"] * 3 + ["test"] * 3)


def by_value(groups):
    return {group["value"]: group for group in groups}


def test_counts_are_those_of_the_table(images, split):
    counts = audit(images, split, None, name="a", size=64, alike={})["counts"]
    assert by_value(counts["split"])["train"] == {
        "value": "train", "images": 6, "patients": 2, "positives": 3, "rate": 0.5,
    }  # fmt: skip
    assert [group["value"] for group in counts["site"]][-1] == "unknown"
    assert by_value(counts["sex"])["unknown"]["images"] == 4
    assert by_value(counts["age"])["30-39"]["images"] == 4
    assert by_value(counts["target"])[1]["positives"] == 6
    assert by_value(counts["source"])["siim_isic"]["images"] == 12
    for groups in counts.values():
        assert sum(group["images"] for group in groups) == 12


def test_an_empty_group_has_no_rate(images, split):
    sites = audit(images, split, None, name="a", size=64, alike={})["counts"]["site"]
    assert by_value(sites)["torso"]["rate"] is None


def test_sizes_are_counted_with_their_rate(images, split):
    sizes = pd.DataFrame({"width": [100] * 8 + [60] * 4, "height": [80] * 8 + [90] * 4})
    found = audit(images, split, sizes, name="a", size=64, alike={})
    assert found["sizes"][0] == {"width": 100, "height": 80, "images": 8, "positives": 4, "rate": 0.5}
    assert found["smaller_than_stored"] == 4


def test_without_sizes_their_floor_is_null(images, split):
    found = audit(images, split, None, name="a", size=64, alike={})
    assert (found["sizes"], found["floor"]["dimensions"], found["floor"]["all"]) == (None, None, None)


def test_a_size_that_tells_the_target_is_found_out():
    rows = range(200)
    table = pd.DataFrame({name: [f"{name}{row}" for row in rows] for name in ("image_name", "patient_id")}, dtype="str")
    table["target"] = pd.array([row % 2 for row in rows], dtype="Int64")
    table["sex"] = table["lesion_id"] = table["anatom_site_general_challenge"] = pd.Series(pd.NA, rows, dtype="str")
    table = table.assign(age_approx=float("nan"), source="a")
    sizes = pd.DataFrame({"width": [600 + 100 * (row % 2) for row in rows], "height": 400})
    floor = audit(table, pd.Series("train", rows), sizes, name="a", size=64, alike={})["floor"]
    assert (floor["dimensions"], floor["sex_age_site"], floor["images_per_patient"]) == (1, 0.5, 0.5)


def test_it_is_json_and_holds_no_patient(images, split):
    text = json.dumps(audit(images, split, None, name="a", size=64, alike={}), allow_nan=False)
    assert not any(f'"{patient}"' in text for patient in images["patient_id"])
