"""What a stored image says before it is decoded: its size in pixels and in bytes."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from melanoma.data.crew import Crew
from melanoma.data.readers import Reader
from melanoma.errors import ImageError

COLUMNS = ("width", "height", "file_bytes")


def image_facts(reader: Reader, image_names: Iterable[str], workers: int | None = None) -> pd.DataFrame:
    """Give `COLUMNS` of each image, with the names as index, from headers alone, by so many threads.

    file_bytes is that of the file, or of the record in a shard, with all that it says beside the picture. Values are
    missing where there is no such image, or its header cannot be read.
    """

    def of(name: str) -> tuple[float, float, float]:
        try:
            return *reader.size(name), reader.stamp(name)[0]
        except ImageError:
            return np.nan, np.nan, np.nan

    names = list(image_names)
    with Crew(workers) as crew:
        rows = list(crew.map(of, names))
    return pd.DataFrame(rows, index=pd.Index(names, name="image_name"), columns=list(COLUMNS))
