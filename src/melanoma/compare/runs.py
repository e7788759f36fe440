"""Which run directories are compared."""

from pathlib import Path

from melanoma.errors import ConfigError
from melanoma.evaluation.run_folders import require_once, runs_at


def find_runs(paths: list[str]) -> list[Path]:
    """Give the directory of every run, in the order given; a sweep's jobs by their numbers.

    Raises:
        ConfigError: if one is not there, holds no checkpoint or is named twice, or fewer than two are left.
    """
    runs = [run for path in paths for run in runs_at(Path(path), "runs")]
    require_once(runs, "runs")
    if len(runs) < 2:
        raise ConfigError(f"runs: {len(runs)} given; at least two are needed, as runs=[DIR,DIR] or a sweep's directory")
    return runs
