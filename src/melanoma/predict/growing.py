"""A CSV that grows row by row, and has its name only once it is whole."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd


class GrowingCsv:
    """Writes NAME.partial, which takes the place of NAME at the end; after an error, or a kill, it stays as it is."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._path, self._columns = path, columns
        self._partial = path.with_name(path.name + ".partial")

    def __enter__(self) -> Self:
        """Begin it with its header."""
        self._file = self._partial.open("w", encoding="utf-8", newline="")
        pd.DataFrame(columns=self._columns).to_csv(self._file, index=False)
        return self

    def add(self, rows: pd.DataFrame) -> None:
        """Put the rows' own values of its columns behind those that are there."""
        rows[self._columns].to_csv(self._file, index=False, header=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it its name, unless something went wrong."""
        self._file.close()
        if kind is None:
            os.replace(self._partial, self._path)
