"""The drawn pictures again as DICOM files and as TFRecord shards, as SIIM-ISIC has them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from melanoma.data.demo.dicom import dicom_bytes
from melanoma.data.records import VOCABULARIES
from melanoma.data.stores.tfrecord import Value, write_shard

JPEG, DICOM, TFRECORD = Path("jpeg/train"), Path("train"), Path("tfrecords")
RECORDS = 500
"""Of a shard."""


def write_dicom(root: Path, case: Mapping[Any, Any], jpeg: bytes) -> None:
    """Wrap a case's JPEG into a DICOM file whose header says what the case is."""
    (root / DICOM / f"{case['image_name']}.dcm").write_bytes(dicom_bytes(jpeg, case))


def write_tfrecords(root: Path, cases: pd.DataFrame) -> None:
    """Pack the JPEGs below `root` into shards, with whole numbers for words and patients; -1 is unknown."""
    (root / TFRECORD).mkdir()
    patients = pd.Series(pd.factorize(cases["patient_id"])[0], index=cases.index)
    for number, start in enumerate(range(0, len(cases), RECORDS)):
        rows = cases.iloc[start : start + RECORDS]
        path = root / TFRECORD / f"train{number:02d}-{len(rows)}.tfrec"
        write_shard(path, _records(root, rows, patients))


def _records(root: Path, rows: pd.DataFrame, patients: pd.Series) -> Iterator[dict[str, Value]]:
    for row, case in zip(rows.index, rows.to_dict("records"), strict=True):
        record: dict[str, Value] = {
            "image": _jpeg(root, case),
            "image_name": case["image_name"].encode(),
            "patient_id": int(patients[row]),
            "target": int(case["target"]),
        }
        for name, words in VOCABULARIES.items():
            record[name] = -1 if pd.isna(case[name]) else words.index(case[name])
        if not pd.isna(case["age_approx"]):
            record["age_approx"] = int(case["age_approx"])
        yield record


def _jpeg(root: Path, case: Mapping[Any, Any]) -> bytes:
    return (root / JPEG / f"{case['image_name']}.jpg").read_bytes()
