import logging

import pytest

from melanoma.compare.runs import find_runs
from melanoma.errors import ConfigError


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
