"""Where the files of one format lie; what is found there never lies outside the data set."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from melanoma.errors import DataError


@dataclass(frozen=True)
class Folder:
    """A folder of image files, below the root of its data set.

    Raises:
        DataError: if it is not there, or is a link that leaves `root`.
    """

    root: Path
    path: Path
    suffixes: list[str]
    """File endings to look for, in this order."""
    option: str
    """The config option that names the folder, for errors."""
    ending: str = ""
    """Ending of names in the CSV and of files that is not part of the image's name, such as _downsampled."""
    cache: Path | None = None
    """Folder for what can be made again, such as an index; None keeps it in memory."""
    root_option: str = "data.root"
    """The config option that names the root, for errors."""
    only: str | None = None
    """The one file that is looked at, of this folder itself; None looks at all."""

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise DataError(
                f"no images found: looked for the folder {self.path.absolute()}; give data.root=DIR, or its name "
                f"below data.root as {self.option}=FOLDER"
            )
        self._assert_inside(self.path)

    def files(self) -> dict[str, str]:
        """Map image names, with and without suffix, to files, in folders below this one too.

        Of files that differ in the suffix alone, the one listed first wins. Linked folders are not entered.

        Raises:
            DataError: if two files have one name, or a file is a link that leaves the root.
        """
        rank = {suffix.lower(): place for place, suffix in enumerate(self.suffixes)}
        entries = entries_of(self.path) if self.only is None else self._only()
        found = [entry for entry in entries if Path(entry.name).suffix.lower() in rank]
        whole_names: set[str] = set()
        files: dict[str, str] = {}
        for entry in sorted(found, key=lambda entry: (-rank[Path(entry.name).suffix.lower()], entry.path)):
            if entry.is_symlink():
                self._assert_inside(Path(entry.path))
            if entry.name in whole_names:
                # Folders may be named after patients.
                raise DataError(
                    f"two files in folders below {self.option} are called {entry.name}; give each image a name of "
                    "its own, as the CSV has it"
                )
            whole_names.add(entry.name)
            stem, file = Path(entry.name).stem, os.path.relpath(entry.path, self.path)
            files[stem] = files[entry.name] = files[stem.removesuffix(self.ending)] = file
        return files

    def _assert_inside(self, path: Path) -> None:
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise DataError(
                f"{path} is a link that leaves {self.root_option}; put the files themselves there, or set "
                f"{self.root_option} to the folder that holds both"
            )

    def _only(self) -> Iterator["os.DirEntry[str]"]:
        with os.scandir(self.path) as entries:
            yield from (entry for entry in entries if entry.name == self.only)


def entries_of(folder: str | Path) -> Iterator["os.DirEntry[str]"]:
    """Yield the files in a folder and those below it; linked folders are not entered, what is hidden is passed over.

    macOS leaves a ._NAME.jpg beside each file on a foreign disk, and viewers keep small copies in hidden folders.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from entries_of(entry.path)
            else:
                yield entry
