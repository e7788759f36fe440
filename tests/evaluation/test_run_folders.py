import pytest

from melanoma.errors import ConfigError
from melanoma.evaluation.run_folders import find_checkpoints, run_name


@pytest.fixture
def runs(tmp_path):
    """Make a run, a file beside it, and a sweep of two finished jobs and a failed one."""
    for name in ("run", "sweep/10_a", "sweep/9_b"):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
        (tmp_path / name / "checkpoints/best.pt").touch()
    for name in ("run", "sweep/10_a", "sweep/9_b", "sweep/2_c", "failed/0_a"):
        (tmp_path / name / ".hydra").mkdir(parents=True)
    (tmp_path / "own.pt").touch()
    return tmp_path


def test_a_directory_stands_for_its_best_epochs(runs, caplog):
    found = find_checkpoints([f"{runs}/{name}" for name in ("own.pt", "run", "sweep")])
    assert [run_name(path) for path in found] == ["own.pt", "run", "9_b", "10_a"]
    assert all(path.is_file() for path in found)
    assert "left out" in caplog.text
    assert "2_c" in caplog.text


def test_a_file_that_is_not_there_is_told_of_where_it_is_read():
    assert str(find_checkpoints(["gone/best.pt"])[0]) == "gone/best.pt"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "names none"),
        (["failed"], "checkpoint: .*failed has no checkpoints/best.pt .none of its 1 jobs has one"),
        (["sweep", "sweep/9_b/checkpoints/best.pt"], "are the same run; name it once"),
    ],
)
def test_what_cannot_be_scored_is_named(runs, given, words):
    with pytest.raises(ConfigError, match=words):
        find_checkpoints([f"{runs}/{name}" for name in given])
