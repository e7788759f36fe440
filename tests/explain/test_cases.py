import pandas as pd
import pytest

from melanoma.errors import ConfigError
from melanoma.explain.cases import find_cases, require_images

TABLE = pd.DataFrame(
    {
        "image_name": ["a", "b", "c", "d", "e", "f", "g"],
        "target": [1, 1, 1, 0, 0, 0, 1],
        "probability": [0.1, 0.05, 0.5, 0.6, 0.9, 0.2, 0.1],
    }
)


def names(cases):
    return {one.kind: (one.rows["image_name"].tolist(), one.total) for one in cases}


def test_the_most_wrong_come_first():
    assert names(find_cases(TABLE, 0.5, 2, [])) == {
        "False negatives": (["b", "a"], 3),  # c is at the threshold, and so called malignant
        "False positives": (["e", "d"], 2),
    }


def test_chosen_ones_come_before_in_their_order():
    found = names(find_cases(TABLE, 0.5, 0, ["f", "c", "f"]))
    assert found == {"Chosen images": (["f", "c"], 2), "False negatives": ([], 3), "False positives": ([], 2)}


def test_a_chosen_one_that_was_not_scored_is_refused():
    with pytest.raises(ConfigError, match="explain_images: z is not among the 7 images scored"):
        find_cases(TABLE, 0.5, 1, ["a", "z"])


def test_a_model_that_is_never_wrong_has_none():
    right = TABLE.assign(probability=TABLE["target"] * 1.0)
    assert names(find_cases(right, 0.5, 3, [])) == {"False negatives": ([], 0), "False positives": ([], 0)}


def test_unknown_names_are_told_what_is_like_them():
    known = ["ISIC_0001234", "ISIC_0009876"]
    require_images(known, known)
    with pytest.raises(ConfigError, match=r"explain_images: ISIC_000123 \(and 1 more\) .* 2 images .*ISIC_0001234\?"):
        require_images(["ISIC_0009876", "ISIC_000123", "x"], known)
