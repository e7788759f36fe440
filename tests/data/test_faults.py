import pytest

from melanoma.data.faults import Faults
from melanoma.errors import DataError, ImageError


@pytest.fixture
def faults(configure):
    return lambda *overrides: Faults(configure(*overrides).data, 10)


def test_missing_and_unreadable_images_are_counted_together(faults):
    some = faults("data.on_error=skip", "data.max_bad_fraction=0.2")
    some.miss(["a"])
    some.count(ImageError("b", "is empty"))
    some.count(ImageError("b", "is empty"))
    assert (some.missing, some.unreadable) == (["a"], {"b": "is empty"})
    with pytest.raises(DataError, match=r"^2 of 10 images cannot be read \(the last was image c: is odd\): more than"):
        some.count(ImageError("c", "is odd"))


def test_the_first_ends_the_run_unless_they_may_be_skipped(faults):
    with pytest.raises(DataError, match=r"^image b: is empty\. .*data\.on_error=skip"):
        faults().count(ImageError("b", "is empty"))
    with pytest.raises(DataError, match=r"^1 of 10 images have no file, such as a; .*data\.on_error=skip"):
        faults().miss(["a"])
    faults().miss([])
