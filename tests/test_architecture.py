"""Who may import whom; the external packages are guarded by ruff's banned-api."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import melanoma

ROOT = Path(melanoma.__file__).parent
MAY_NOT = {
    "data": ("models", "training", "evaluation", "compare", "prediction", "checkpoint", "cli"),
    "models": ("data", "training", "evaluation", "compare", "prediction", "checkpoint", "cli"),
    "evaluation/metrics.py": ("",),
    "training/stopping.py": ("",),
    "errors.py": ("",),
    "training": ("cli", "compare", "evaluation.run", "evaluation.report"),
    "evaluation": ("cli", "compare", "training"),
    "explain": ("cli", "compare", "evaluation", "training"),
    "compare": ("cli", "training"),
    "predict": ("cli", "compare", "training", "tune"),
    "export": ("cli", "compare", "training", "tune", "data", "predict"),
    "tune": ("cli", "compare"),
    "tune/space.py": ("training", "models", "data"),
    "tune/study.py": ("training", "models", "data"),
}


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("room", MAY_NOT)
def test_rooms_keep_to_their_doors(room):
    paths = [ROOT / room] if room.endswith(".py") else sorted((ROOT / room).rglob("*.py"))
    assert paths
    forbidden = tuple(f"melanoma.{name}" if name else "melanoma" for name in MAY_NOT[room])
    wrong = [(path.name, name) for path in paths for name in imports_of(path) if name.startswith(forbidden)]
    assert wrong == []


@pytest.mark.parametrize("package", ["pydicom", "tfrecord"])
def test_a_format_s_package_is_imported_by_the_files_named_after_the_format(package):
    def uses(path):
        return any(name.split(".")[0] == package for name in imports_of(path))

    users = [path.stem for path in ROOT.rglob("*.py") if uses(path)]
    assert users
    assert all(user.startswith(package.removeprefix("py")) for user in users)


def test_what_builds_no_network_does_not_wait_for_timm():
    code = "import sys, melanoma.evaluation.run, melanoma.compare.run; print('timm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
