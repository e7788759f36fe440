import logging

import pandas as pd
import pytest

from melanoma.compare.runs import find_runs, require_same_rows
from melanoma.errors import ConfigError, DataError


@pytest.fixture
def made(tmp_path):
    """Make directories of finished and of unfinished runs."""

    def make(*names, finished=True):
        for name in names:
            (tmp_path / name / ".hydra").mkdir(parents=True)
            if finished:
                (tmp_path / name / "checkpoints").mkdir()
                (tmp_path / name / "checkpoints/best.pt").touch()
        return [str(tmp_path / name) for name in names]

    return make


def names(runs):
    return [run.name for run in runs]


def test_runs_keep_their_order_and_jobs_their_numbers(made, tmp_path):
    made("sweep/10_a", "sweep/9_b", "sweep/0_c")
    first, last = made("z", "a")
    assert names(find_runs([first, str(tmp_path / "sweep"), last])) == ["z", "0_c", "9_b", "10_a", "a"]


def test_an_unfinished_job_is_left_out_and_named(made, tmp_path, caplog):
    made("sweep/0_a", "sweep/1_b")
    made("sweep/2_c", finished=False)
    with caplog.at_level(logging.WARNING):
        assert names(find_runs([str(tmp_path / "sweep")])) == ["0_a", "1_b"]
    assert "sweep/2_c" in caplog.text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["absent"], "absent is not a directory"),
        (["file"], "file is not a directory"),
        (["a", "started"], "started has no checkpoints/best.pt"),
        (["a", "failed"], "failed has no checkpoints/best.pt .none of its 1 jobs has one"),
        (["a"], "1 given; at least two"),
        (["a", "b", "c/../a"], "are the same run"),
        (["a", "b", "link"], "are the same run"),
        (["sweep", "sweep/0_a"], "are the same run"),
    ],
)
def test_what_cannot_be_compared_is_named(made, tmp_path, given, words):
    made("a", "b", "c", "sweep/0_a", "sweep/1_b")
    made("started", "failed/0_a", finished=False)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(ConfigError, match=words):
        find_runs([f"{tmp_path}/{name}" for name in given])


def table(**rows):
    """Rows by image, as a patient and a target."""
    return pd.DataFrame([(name, *row) for name, row in rows.items()], columns=["image_name", "patient_id", "target"])


OURS = table(a=("secret1", 0), b=("secret2", 1))


def test_the_same_rows_in_another_order_pass():
    require_same_rows({"one": OURS, "two": OURS.iloc[::-1]}, "")


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
        require_same_rows({"one": OURS, "same": OURS, "two": theirs}, "The way out")
    assert "secret" not in str(caught.value)
