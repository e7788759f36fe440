import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "prove_variants.py"


def prove(out, *arguments):
    """Run the script: its exit code, and its report."""
    command = [sys.executable, str(SCRIPT), "--out", str(out), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_the_variants_use_what_they_claim_to_use(tmp_path):
    few = ["--seeds", "1", "--patients", "300", "--epochs", "10"]
    code, report = prove(tmp_path, "--only", "site", "texture", "map", *few)
    assert [claim for claim in report["claims"] if not claim["holds"]] == []
    assert code == 0
    assert len(report["claims"]) == 7
    assert (tmp_path / "proof.png").stat().st_size > 10_000
    assert "| site_specific |" in (tmp_path / "proof.md").read_text()


@pytest.mark.slow
def test_a_claim_that_does_not_hold_is_told(tmp_path):
    code, report = prove(tmp_path, "--only", "site", "--seeds", "1", "--patients", "40", "--epochs", "1")
    assert code == 1
    assert not all(claim["holds"] for claim in report["claims"])
