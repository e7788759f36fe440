"""Which format images are of, where nobody has named it."""

import logging
from collections import Counter
from pathlib import Path

from melanoma.config import ReaderConfig
from melanoma.data.readers.folder import entries_of
from melanoma.data.readers.shards import header
from melanoma.errors import ConfigError, DataError

_log = logging.getLogger(__name__)


def format_of(file: Path) -> str | None:
    """Name the reader of a file by how it begins; None for what is none of theirs."""
    with file.open("rb") as opened:
        begin = opened.read(132)
    if begin.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        return "jpeg"
    if begin[128:] == b"DICM":
        return "dicom"
    length = int.from_bytes(begin[:8], "little")
    return "tfrecord" if len(begin) >= 12 and header(length) == begin[:12] else None


def reader_of_file(file: Path, readers: dict[str, ReaderConfig]) -> ReaderConfig:
    """Choose the reader of one file: the only one, or that of its content, or of its ending.

    Raises:
        ConfigError: if none reads such files.
    """
    suffix = file.suffix.lower()
    by_ending = next((name for name, reader in readers.items() if suffix in _lower(reader)), None)
    name = next(iter(readers)) if len(readers) == 1 else format_of(file) or by_ending
    if name not in readers:
        raise ConfigError(
            f"images={file} is none of {', '.join(readers)}, and no CSV, whose name would end in .csv; if it is one "
            "of these formats all the same, name it as reader=FORMAT"
        )
    return ReaderConfig(name, [suffix])


def reader_of_folder(folder: Path, readers: dict[str, ReaderConfig]) -> tuple[ReaderConfig, list[str]]:
    """Choose the reader of a folder's files by their endings, and give these files' names without folders.

    Where several formats are found, the first of `readers` is taken, if it is among them.

    Raises:
        DataError: if there is no image, or nothing says which of several formats is meant.
    """
    files = [Path(entry.name) for entry in entries_of(folder)]
    found = {
        name: names
        for name, reader in readers.items()
        if (names := [file.name for file in files if file.suffix.lower() in _lower(reader)])
    }
    if not found:
        raise DataError(_no_image(folder, files, readers))
    name = next(iter(found if len(found) == 1 else readers))
    others = [f"{len(names)} {other}" for other, names in found.items() if other != name]
    if name not in found:
        raise DataError(f"{folder} holds {' and '.join(others)} files; say which: reader={' or reader='.join(found)}")
    known = {suffix for reader in readers.values() for suffix in _lower(reader)}
    others += [f"{count} {ending}" for ending, count in _endings(files) if ending not in known]
    if others:
        _log.info("%s: not read are %s; reader=NAME chooses others", folder, ", ".join(others))
    return readers[name], found[name]


def _no_image(folder: Path, files: list[Path], readers: dict[str, ReaderConfig]) -> str:
    wanted = ", ".join(suffix for reader in readers.values() for suffix in reader.suffixes)
    if not files:
        return f"no images found: {folder} and the folders in it hold no file, but for hidden ones"
    found = ", ".join(f"{ending} ({count})" for ending, count in _endings(files)[:3])
    return (
        f"no images found in {folder}: looked for {wanted}, and found {found}. Another ending is given as "
        "reader=NAME 'reader.suffixes=[.END]'"
    )


def _endings(files: list[Path]) -> list[tuple[str, int]]:
    """Count the endings, the most frequent first."""
    return Counter(file.suffix.lower() or "no ending" for file in files).most_common()


def _lower(reader: ReaderConfig) -> list[str]:
    return [suffix.lower() for suffix in reader.suffixes]
