"""Originals -> a store, on all cores: what is there already stays, what cannot be read is counted."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import cv2
import pandas as pd
from tqdm import tqdm

from melanoma.config import PrepareConfig
from melanoma.data.crew import Crew
from melanoma.data.faults import Faults
from melanoma.data.readers import Reader
from melanoma.data.resize import read_resized
from melanoma.data.stores.jpeg import JpegStore, encode_jpeg
from melanoma.data.stores.ledger import Entry, Ledger
from melanoma.data.stores.shards import Shard, ShardStore, plan_shards
from melanoma.errors import ImageError

Made = tuple[Entry, bytes] | ImageError
"""One image's bytes, or why there are none."""

_log = logging.getLogger(__name__)


def fill(table: pd.DataFrame, split: pd.Series, reader: Reader, ledger: Ledger, config: PrepareConfig) -> Faults:
    """Make every image of the table that is not in the store yet; give those that cannot be made.

    Raises:
        DataError: if the config does not allow them.
    """
    cv2.setNumThreads(1)  # one image a core is faster than all cores on one image
    faults = Faults(config.data, len(table))
    faults.miss(reader.missing(table["image_name"]))
    present = table[~table["image_name"].isin(faults.missing)]
    with Crew(config.workers) as crew:
        _forget_changed(present["image_name"], reader, ledger, crew)
        done = int(present["image_name"].isin(ledger.entries.keys()).sum())
        _log.info("%d images are there already, %d are to be made", done, len(present) - done)
        with _Progress(len(present), done, faults) as progress:
            make = partial(_make, reader, config)
            if config.format == "jpeg":
                _fill_jpegs(present, make, ledger, crew, progress)
            else:
                _fill_shards(plan_shards(table, split, faults.missing), make, ledger, crew, progress)
    return faults


class _Progress:
    """Tells how far the work is, on a terminal; hands errors on to be counted."""

    def __init__(self, total: int, done: int, faults: Faults) -> None:
        self._bar = tqdm(total=total, initial=done, desc="preparing", unit="image", disable=None, smoothing=0.1)
        self._faults, self._started, self._made = faults, time.monotonic(), 0

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._made:
            seconds = time.monotonic() - self._started
            _log.info("%d images made in %.0f s, %.1f a second", self._made, seconds, self._made / seconds)

    def readable(self, outcomes: Iterable[Made]) -> Iterator[tuple[Entry, bytes]]:
        """Pass on what could be made."""
        for made in outcomes:
            self._bar.update()
            if isinstance(made, ImageError):
                self._faults.count(made)
            else:
                self._made += 1
                yield made


def _forget_changed(names: pd.Series, reader: Reader, ledger: Ledger, crew: Crew) -> None:
    def stamp(image_name: str) -> tuple[int, int] | None:
        try:
            return reader.stamp(image_name)
        except ImageError:  # told when the image is made
            return None

    known = [name for name in names if name in ledger.entries]
    ledger.forget_changed(dict(zip(known, crew.map(stamp, known), strict=True)))


def _make(reader: Reader, config: PrepareConfig, image_name: str) -> Made:
    try:
        stamp = reader.stamp(image_name)
        image, (width, height) = read_resized(reader, image_name, config.size, config.fit)
        return Entry(image_name, stamp, width, height), encode_jpeg(image, config.quality, image_name)
    except ImageError as error:
        return error


def _fill_jpegs(
    present: pd.DataFrame, make: Callable[[str], Made], ledger: Ledger, crew: Crew, progress: _Progress
) -> None:
    store = JpegStore(ledger)

    def write(name: str) -> Made:
        made = make(name)
        if not isinstance(made, ImageError):
            store.write(*made)
        return made

    new = [name for name in present["image_name"] if name not in ledger.entries]
    deque(progress.readable(crew.map(write, new)), maxlen=0)


def _fill_shards(
    shards: list[Shard], make: Callable[[str], Made], ledger: Ledger, crew: Crew, progress: _Progress
) -> None:
    store = ShardStore(ledger)
    for shard in shards:
        names = shard.rows["image_name"].tolist()
        new = [name for name in names if name not in ledger.entries]
        if len(new) < len(names):  # it is there; what it lacks could not be read then, and perhaps can now
            outcomes = list(crew.map(make, new))
            if all(isinstance(made, ImageError) for made in outcomes):
                deque(progress.readable(outcomes), maxlen=0)
                continue
        store.write(shard, progress.readable(crew.map(make, names)))
