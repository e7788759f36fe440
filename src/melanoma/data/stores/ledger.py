"""What is in a prepared folder, from which originals and by which settings; so that a killed run goes on."""

import fcntl
import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from melanoma.errors import ConfigError

SETTINGS, LEDGER = "prepare.json", "prepared.jsonl"
MADE = ("train.csv", "splits.csv", "jpeg", "tfrecords")
"""What a run puts into its folder."""

_log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """One image: what its original was like, and the file that holds it now."""

    image_name: str
    stamp: tuple[int, int]
    """Of the original; see `Reader.stamp`."""
    width: int
    height: int
    """Of the original, in pixels."""
    file: str = ""
    file_bytes: int = 0
    """Length of the whole file: a file cut short by a power failure is found out."""


@contextmanager
def claim(root: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Hold the folder for one run of these settings.

    Raises:
        ConfigError: if it holds something else, another run has it, or was made with other settings.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / LEDGER).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given up when the process ends, however it ends
        except BlockingIOError as error:
            raise ConfigError(
                f"out={root} is in use by another melanoma-prepare; wait for it, or use another"
            ) from error
        except OSError as error:
            _log.warning("out cannot be locked (%s): let no second melanoma-prepare use it", error.strerror)
        _settle(root, settings)
        yield


def _settle(root: Path, settings: Mapping[str, Any]) -> None:
    path = root / SETTINGS
    if not path.exists() and (foreign := [name for name in MADE if (root / name).exists()]):
        raise ConfigError(f"out={root} holds a {foreign[0]} that melanoma-prepare did not make; use an empty folder")
    found = _read_settings(path) if path.exists() else {}
    differing = [name for name in settings if name in found and found[name] != settings[name]]
    if differing:
        changes = " and ".join(f"{name}={found[name]}, now {settings[name]}" for name in differing)
        raise ConfigError(f"out={root} was prepared with {changes}; use the same settings, another out, or delete it")
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({**found, **settings}, indent=2) + "\n")
    os.replace(partial, path)


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is damaged, so nothing is known of its folder; use another out") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is damaged, so nothing is known of its folder; use another out")
    return found


class Ledger:
    """A line an image, appended before the image's file appears; the last line of a name counts.

    `entries` maps image names to what is known of them.
    """

    def __init__(self, root: Path, folder: str) -> None:
        self.folder = root / folder
        self._path, self._lock = root / LEDGER, threading.Lock()
        self.entries: dict[str, Entry] = {}
        lines = self._path.read_bytes().split(b"\n") if self._path.exists() else []
        for entry in map(_parse, lines):
            if entry is not None:
                self.entries[entry.image_name] = entry
        if lines and lines[-1]:  # a line that was cut short must not swallow the next
            self._append("\n")

    def add(self, entries: list[Entry]) -> None:
        """Write down what was made."""
        with self._lock:
            self._append("".join(json.dumps(entry) + "\n" for entry in entries))
            self.entries |= {entry.image_name: entry for entry in entries}

    def forget_changed(self, stamps: Mapping[str, tuple[int, int] | None]) -> None:
        """Delete the files that are not whole or whose originals have another stamp now; forget all they held."""
        known = self.entries.values()
        lengths = {(entry.file, entry.file_bytes) for entry in known}
        lost = {file for file, length in lengths if not self._is_there(file, length)}
        lost |= {entry.file for entry in known if stamps.get(entry.image_name, entry.stamp) != entry.stamp}
        for file in lost:
            self._place(file).unlink(missing_ok=True)
        self.entries = {name: entry for name, entry in self.entries.items() if entry.file not in lost}

    def _is_there(self, file: str, length: int) -> bool:
        path = self._place(file)
        return path.is_file() and path.stat().st_size == length

    def _place(self, file: str) -> Path:
        return self.folder / Path(file).name  # never outside, whatever a line says

    def _append(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text)


def _parse(line: bytes) -> Entry | None:
    """Read one line; None for one that is blank or damaged."""
    try:
        name, stamp, *others = json.loads(line)
        return Entry(name, tuple(stamp), *others)
    except (ValueError, TypeError):
        return None
