import pandas as pd
import pytest

from melanoma.errors import DataError
from melanoma.evaluation.same_rows import require_same_rows


def table(**rows):
    """Rows by image, as a patient and a target."""
    return pd.DataFrame([(name, *row) for name, row in rows.items()], columns=["image_name", "patient_id", "target"])


OURS = table(a=("secret1", 0), b=("secret2", 1))


def test_the_same_rows_in_another_order_pass():
    require_same_rows({"one": OURS, "two": OURS.iloc[::-1]}, "runs", "")


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (
            table(b=("secret2", 1), c=("secret3", 0), d=("secret2", 0)),
            "runs one and two .*: 1 image and 1 patient only in one, such as a; 2 images and 1 patient "
            "only in two, such as c. The way out",
        ),
        (table(a=("secret1", 0)), "such as b. The way out"),
        (table(a=("secret1", 0), b=("secret2", 0)), "different labels of 1 of 2 test images, such as b"),
        (table(a=("secret9", 0), b=("secret2", 1)), "different patients of 1 of 2 test images, such as a"),
    ],
)
def test_other_rows_are_refused_without_naming_a_patient(theirs, words):
    with pytest.raises(DataError, match=words) as caught:
        require_same_rows({"one": OURS, "same": OURS, "two": theirs}, "runs", "The way out")
    assert "secret" not in str(caught.value)
