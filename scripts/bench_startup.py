"""Measure how long the program takes to answer, in whole processes, as JSON: medians, and ranges over rounds.

help          melanoma-train --help
mistyped      an option that is not there
first_step    from the start of training on drawn data that is there, to the first step, saved

python scripts/bench_startup.py
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = str(Path(sys.executable).parent / "melanoma-train")
GOALS = {"help": 1.0, "mistyped": 1.5, "first_step": 8.0}
"""Seconds at most."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    draw()
    taken = {
        "help": [whole("--help") for _ in range(rounds)],
        "mistyped": [whole("training.lrr=1") for _ in range(rounds)],
        "first_step": [first_step() for _ in range(rounds)],
    }
    rows = {
        name: {
            "seconds": round(statistics.median(values), 2),
            "range": [round(min(values), 2), round(max(values), 2)],
            "at_most": GOALS[name],
        }
        for name, values in taken.items()
    }
    print(json.dumps(rows, indent=2))


def draw() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [COMMAND, "experiment=demo", "training.epochs=1", f"hydra.run.dir={folder}"]
        subprocess.run(command, check=True, capture_output=True)


def whole(word: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run([COMMAND, word, f"hydra.run.dir={folder}"], capture_output=True)
        return time.perf_counter() - started


def first_step() -> float:
    """Start a run that saves after every step, and wait for its first checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        command = [COMMAND, "experiment=demo", "training.checkpoint_minutes=1e-9", f"hydra.run.dir={folder}"]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not Path(folder, "checkpoints", "last.pt").exists():
            if process.poll() is not None:
                raise RuntimeError(f"training ended with {process.returncode} before its first step")
            time.sleep(0.01)
        taken = time.perf_counter() - started
        process.kill()
        process.wait()
        return taken


if __name__ == "__main__":
    main()
