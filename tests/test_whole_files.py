"""A kill at any moment leaves no half-written file under a final name: commands write beside it, and move."""

import shutil
import sys
from pathlib import Path

import pytest

_opened: list[Path] | None = None


def _watch(event, arguments):
    if event == "open" and _opened is not None and isinstance(arguments[0], str) and set(arguments[1] or "") & {*"wx"}:
        _opened.append(Path(arguments[0]))


sys.addaudithook(_watch)


@pytest.fixture
def opened(monkeypatch):
    """Collect what is opened for writing."""
    monkeypatch.setattr(f"{__name__}._opened", [])
    return _opened


@pytest.mark.parametrize("command", ["predict", "eval", "export", "compare"])
def test_files_get_their_names_once_they_are_whole(run, trained, demo_root, tmp_path, opened, command):
    shutil.copytree(trained, tmp_path / "again")
    options = {
        "predict": [f"checkpoint={trained}", f"images={demo_root}/jpeg", "explain=grad_cam"],
        "eval": [f"checkpoint={trained}", "bootstrap_draws=100", "explain=grad_cam", "calibrate=platt"],
        "export": [f"checkpoint={trained}", "format=bundle"],
        "compare": [f"runs=[{trained},{tmp_path}/again]", "bootstrap_draws=100"],
    }[command]
    opened.clear()
    code, _, err = run(command, *options, f"hydra.run.dir={tmp_path}/run")
    assert code == 0, err
    own = [path for path in opened if path.is_relative_to(tmp_path / "run") and ".hydra" not in path.parts]
    assert len(own) > 1
    assert [path.name for path in own if path.suffix not in (".tmp", ".partial")] == []
