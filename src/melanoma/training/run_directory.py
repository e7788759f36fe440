"""What a run leaves behind, each file whole at every moment."""

import importlib.metadata
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from melanoma.errors import ConfigError

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


class RunDirectory:
    """The folder of one run.

    Raises:
        ConfigError: if it cannot be written, or holds another run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if (path / "history.csv").exists() or any(path.glob("checkpoints/*.pt")):
            raise ConfigError(f"{path} already holds a run; give another hydra.run.dir=DIR")
        try:
            for folder in ("checkpoints", "plots"):
                (path / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}; give another hydra.run.dir=DIR") from error
        self._history: list[dict[str, Any]] = []

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the resolved config."""
        self.write_text("config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def log_epoch(self, row: dict[str, Any]) -> pd.DataFrame:
        """Add a row to history.csv; give the whole history."""
        self._history.append(row)
        history = pd.DataFrame(self._history)
        self.write_table("history.csv", history)
        self.log_event("epoch", **row)
        return history

    def log_event(self, event: str, **values: Any) -> None:
        """Add a line to events.jsonl."""
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
