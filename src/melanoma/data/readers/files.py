"""What formats with one file an image have in common."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from melanoma.data.readers.folder import Folder
from melanoma.errors import ImageError


class FileReader:
    """Finds `<folder>/<image_name><suffix>`; the folder is listed once, so a missing file is known at once.

    A format adds `read` and `size`; what it does not say otherwise is here.
    """

    checks_table = False

    def __init__(self, folder: Folder) -> None:
        self._folder, self._files = folder, folder.files()

    def missing(self, image_names: Iterable[str]) -> list[str]:
        """List the images that have no file."""
        return [name for name in image_names if name not in self._files]

    def coded(self, image_name: str) -> bytes:
        """Give the file's bytes."""
        try:
            return self._path(image_name).read_bytes()
        except OSError as error:
            raise ImageError(image_name, f"cannot be opened: {error.strerror}") from error

    def stamp(self, image_name: str) -> tuple[int, int]:
        """Give the file's size in bytes and its time of change in ns."""
        try:
            found = self._path(image_name).stat()
        except OSError as error:
            raise ImageError(image_name, f"cannot be opened: {error.strerror}") from error
        return found.st_size, found.st_mtime_ns

    def headers(self, image_names: Sequence[str]) -> pd.DataFrame:
        """Give no columns: the files do not say whose they are."""
        return pd.DataFrame(index=pd.Index(image_names, name="image_name"))

    def names(self) -> list[str]:
        """List every image there is, by name without suffix."""
        return sorted({Path(file).stem.removesuffix(self._folder.ending) for file in self._files.values()})

    def _path(self, image_name: str) -> Path:
        if image_name not in self._files:
            raise ImageError(image_name, "no file of that name")
        return self._folder.path / self._files[image_name]
