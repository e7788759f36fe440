"""Write a demo data set: all of it, or nothing."""

import json
import multiprocessing
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from melanoma.config import DemoConfig
from melanoma.cores import cores
from melanoma.data.demo.cases import draw_cases
from melanoma.data.demo.formats import DICOM, JPEG, write_dicom, write_tfrecords
from melanoma.data.demo.picture import draw_picture
from melanoma.errors import DataError

TRAIN_COLUMNS = [
    "image_name",
    "patient_id",
    "sex",
    "age_approx",
    "anatom_site_general_challenge",
    "diagnosis",
    "benign_malignant",
    "target",
]
TRUTH_COLUMNS = [
    *("image_name", "seed", "patient", "image", "cx", "cy", "radius", "tone", "hairs", "ruler", "frame"),
    *("asymmetry", "border", "colours", "network", "veil", "fine_texture", "site", "score", "target"),
]
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
DRAWING = 2
"""Raised when the same config draws other pictures or targets than before."""
WORTH_A_PROCESS = 100
"""Images that take as long to draw as a process takes to start."""


def draw(root: Path, config: DemoConfig, processes: int | None = None) -> None:
    """Draw the data set at `root` unless it is there.

    It has train.csv, truth.csv, demo.json, and each picture in jpeg/train/*.jpg, train/*.dcm and tfrecords/*.tfrec.

    The same config gives the same bytes for any number of processes; None takes all cores. The folder appears
    under its name when it is complete, so a draw that is stopped leaves no half data set.

    Raises:
        DataError: `root` holds something else, or cannot be written.
    """
    root = root.resolve()
    draft = root.with_name(f"{root.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        if _is_drawn(root, config):
            return
        for pictures in (JPEG, DICOM):
            (draft / pictures).mkdir(parents=True)
        _write(draft, config, processes)
        _publish(draft, root, config)
    except OSError as error:
        fault = f"{root}: cannot draw the demo data set: {error.strerror or error}; set data.root=ANOTHER folder"
        raise DataError(fault) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _is_drawn(root: Path, config: DemoConfig) -> bool:
    """Say whether the data set is there; anything else in its place raises DataError."""
    asked, file = _identity(config), root / "demo.json"
    if not file.is_file():
        if root.exists() and not (root.is_dir() and not any(root.iterdir())):
            raise _occupied(root, "has no demo.json", "the demo data set")
        return False
    try:
        found = dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise _occupied(root, "has an unreadable demo.json", "the demo data set") from error
    differing = sorted(name for name in asked | found if found.get(name) != asked.get(name))
    if differing:
        raise _occupied(root, "was drawn with " + _listed(found, differing), _listed(asked, differing))
    return True


def _identity(config: DemoConfig) -> dict[str, Any]:
    return {"drawing": DRAWING} | asdict(config)


def _listed(values: dict[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name}={values.get(name)}" for name in names)


def _occupied(root: Path, found: str, asked: str) -> DataError:
    return DataError(f"{root} {found}; asked for {asked}: set data.root=ANOTHER folder, or delete this one")


def _publish(draft: Path, root: Path, config: DemoConfig) -> None:
    """Give the finished folder its name, unless another process was first with the same data set."""
    try:
        draft.replace(root)
    except OSError:
        if not _is_drawn(root, config):
            raise


def _write(folder: Path, config: DemoConfig, processes: int | None) -> None:
    cases = draw_cases(config)
    rows = cases.to_dict("records")
    write = partial(_write_picture, folder, config.image_size)
    count = processes or min(cores(), 1 + len(rows) // WORTH_A_PROCESS)
    done = map(write, rows) if count == 1 else _in_processes(write, rows, count)
    for _ in tqdm(done, total=len(rows), desc="drawing the demo data set", unit="image", disable=None):
        pass
    write_tfrecords(folder, cases)
    cases[TRAIN_COLUMNS].to_csv(folder / "train.csv", index=False, lineterminator="\n")
    cases[TRUTH_COLUMNS].to_csv(folder / "truth.csv", index=False, lineterminator="\n")
    (folder / "demo.json").write_text(json.dumps(_identity(config), indent=2) + "\n", encoding="utf-8")


def _in_processes(write: "partial[None]", rows: list[Any], count: int) -> Iterator[None]:
    """Write in fresh processes: a fork would copy the locks of threads that it leaves behind."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_prepare_process) as pool:
        yield from pool.map(write, rows, chunksize=8)


def _prepare_process() -> None:
    cv2.setNumThreads(1)  # the processes share the cores already
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends them, in one message


def _write_picture(folder: Path, size: int, row: dict[str, Any]) -> None:
    encoded = cv2.imencode(".jpg", draw_picture(row, size)[..., ::-1], QUALITY)[1]
    (folder / JPEG / f"{row['image_name']}.jpg").write_bytes(encoded.tobytes())
    write_dicom(folder, row, encoded.tobytes())
