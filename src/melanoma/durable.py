"""Files with a .sha256 beside them, replaced so that a kill or a power cut at any moment leaves a good pair."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Any


def replace_file(path: Path, data: Any, previous: Path | None = None) -> None:
    """Put bytes in the place of a file; move the old one to `previous`, or drop it.

    Between the two moves `path` is missing for an instant, and the old file is `previous`.
    """
    digest, old = hashlib.sha256(data).hexdigest(), known_digests(path)
    temporary = path.with_suffix(".tmp")
    _write(temporary, data)
    # Until the moves are done, a file may be the old one or the new one: both are good.
    write_digests(path, [digest, *old])
    if previous is not None and path.exists():
        # Without a digest of the old file, none at all, for the one that is there is not its.
        write_digests(previous, [*old, *known_digests(previous)] if old else [])
        os.replace(path, previous)
    os.replace(temporary, path)
    sync_folder(path.parent)
    write_digests(path, [digest])
    if previous is not None and old:
        write_digests(previous, old)


def replace_text(path: Path, text: str) -> None:
    """Put text in the place of a file, as `replace_bytes` does."""
    replace_bytes(path, text.encode())


def replace_bytes(path: Path, data: bytes) -> None:
    """Put bytes in the place of a file, whole at every moment even where several processes write it; no digest."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def known_digests(path: Path) -> list[str]:
    """Give the digests that the file may have; none where nobody has written them down."""
    file = _digest_file(path)
    return [line.split()[0] for line in file.read_text().splitlines() if line] if file.is_file() else []


def write_digests(path: Path, digests: list[str]) -> None:
    """Write them as `sha256sum --check` reads them."""
    file = _digest_file(path)
    temporary = file.with_name(file.name + ".tmp")
    _write(temporary, "".join(f"{digest}  {path.name}\n" for digest in digests).encode())
    os.replace(temporary, file)


def sync_folder(folder: Path) -> None:
    """Have the disk keep what was moved."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, data: Any) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _digest_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")
