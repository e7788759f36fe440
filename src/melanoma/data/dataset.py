"""Table rows -> samples -> a batch."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset, default_collate

from melanoma.data.readers import Reader
from melanoma.data.transforms import Transform
from melanoma.errors import ImageError
from melanoma.vocabulary import SEXES, SITES

Batch = dict[str, torch.Tensor]
"""image uint8 (B, 3, S, S) RGB; site and sex int64 (B,), 0 = unknown; age float32 (B,) in years, NaN = unknown;
target float32 (B,); index int64 (B,), the row in the table."""

Key = tuple[int, int, int]
"""(epoch, row, copy), where copy counts how often the epoch has drawn the row before: all that decides a picture
travels with the row, so that a worker needs no state of its own."""


class LesionDataset(Dataset[dict[str, Any] | ImageError]):
    """One sample a table row; an image that cannot be read is returned as its error, not raised in a worker."""

    def __init__(self, table: pd.DataFrame, reader: Reader, transform: Transform, seed: int = 0) -> None:
        self._names = table["image_name"].tolist()
        self._columns = {
            "site": _codes(table["anatom_site_general_challenge"], SITES),
            "sex": _codes(table["sex"], SEXES),
            "age": table["age_approx"].to_numpy(np.float32),
            "target": table["target"].to_numpy(np.float32, na_value=np.nan),
        }
        self._reader, self._transform, self._seed = reader, transform, seed

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, key: Key) -> dict[str, Any] | ImageError:
        epoch, row, copy = key
        try:
            image = self._reader.read(self._names[row], least=self._transform.least)
        except ImageError as error:
            return error
        # By (run, epoch, image, copy) alone, so that workers, processes and resumed runs draw the same picture.
        seed = int(np.random.SeedSequence((self._seed, epoch, row, copy)).generate_state(1)[0])
        sample = {name: column[row] for name, column in self._columns.items()}
        return sample | {"index": row, "image": self._transform(image, seed)}


def collate(samples: list[dict[str, Any] | ImageError]) -> tuple[Batch | None, list[ImageError]]:
    """Stack the samples that could be read; give the errors of the others beside them."""
    errors = [sample for sample in samples if isinstance(sample, ImageError)]
    good = [sample for sample in samples if not isinstance(sample, ImageError)]
    if not good:
        return None, errors
    batch = {
        name: torch.from_numpy(np.array([sample[name] for sample in good]))
        for name in ("site", "sex", "age", "target", "index")
    }
    # Stacks right in shared memory where this is a worker. (B, S, S, 3) seen as (B, 3, S, S) is channels_last: no copy.
    batch["image"] = default_collate([torch.from_numpy(sample["image"]) for sample in good]).permute(0, 3, 1, 2)
    return batch, errors


def _codes(column: pd.Series, words: tuple[str, ...]) -> Any:
    """Number the words from 1; 0 is unknown."""
    return column.map({word: code for code, word in enumerate(words, 1)}).fillna(0).to_numpy(np.int64)
