"""What a run leaves behind, each file whole at every moment."""

import fcntl
import importlib.metadata
import json
import logging
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pandas as pd
import torch
import yaml

from melanoma.errors import ConfigError
from melanoma.evaluation.plots import plot_history

_PACKAGES = (
    "melanoma",
    "torch",
    "torchvision",
    "timm",
    "albumentations",
    "numpy",
    "pandas",
    "scikit-learn",
    "hydra-core",
)

_log = logging.getLogger(__name__)


class RunDirectory:
    """The folder of one run, which no other process writes to until it is left, or this one ends.

    Args:
        path: The folder.
        resume: Whether it may hold a run.
        writes: Whether this process is the one that writes; the others' calls do nothing.

    Raises:
        ConfigError: if it cannot be written, holds another run, or another process is writing to it.
    """

    def __init__(self, path: Path, *, resume: bool = False, writes: bool = True) -> None:
        self.path, self.writes, self._lock = path, writes, -1
        if not writes:
            return
        if not resume and ((path / "history.csv").exists() or any(path.glob("checkpoints/*.pt"))):
            raise ConfigError(
                f"{path} already holds a run; go on with it by resume=auto, or give another hydra.run.dir=DIR"
            )
        try:
            for folder in ("checkpoints", "plots"):
                (path / folder).mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "run.lock", os.O_CREAT | os.O_WRONLY)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}; give another hydra.run.dir=DIR") from error
        try:
            # The system lets go of it when the process ends, however it ends.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise ConfigError(f"{path}: another process is writing to this run; wait for it, or end it") from error
        except OSError as error:
            _log.warning(
                "%s cannot be locked (%s); see to it that one process alone writes there", path, error.strerror
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock >= 0:
            os.close(self._lock)

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the resolved config."""
        self.write_text("config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        """Write history.csv, and its picture."""
        if self.writes and rows:
            history = pd.DataFrame(rows)
            self.write_table("history.csv", history)
            plot_history(history, self.path / "plots" / "history.png")

    def log_event(self, event: str, **values: Any) -> None:
        """Add a line to events.jsonl."""
        if not self.writes:
            return
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event} | values)
        with (self.path / "events.jsonl").open("a") as file:
            file.write(line + "\n")

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a CSV."""
        self.write_text(name, table.to_csv(index=False))

    def write_json(self, name: str, values: dict[str, Any]) -> None:
        """Write a JSON file; undefined numbers must be None."""
        self.write_text(name, json.dumps(values, indent=2, allow_nan=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a file beside its old version, then put it in its place."""
        if not self.writes:
            return
        temporary = self.path / f"{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, self.path / name)


def environment(device: torch.device) -> dict[str, Any]:
    """Describe what a result depends on besides config and data; names neither user nor host."""
    cuda = device.type == "cuda"
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name() if cuda else platform.machine(),
        "cuda": torch.version.cuda if cuda else None,
        "git_commit": _git_commit(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Give the version of every package that can change a result."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def _git_commit() -> str | None:
    """Give the commit of the source tree that runs, or None when it is an installed package."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
