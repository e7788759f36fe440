"""A drawn picture as a DICOM file like those of SIIM-ISIC."""

import uuid
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pandas as pd
from pydicom import DataElement, Dataset, FileMetaDataset, config, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from melanoma.data.readers.jpeg_stream import inspect_jpeg

VL_PHOTOGRAPHIC_IMAGE = "1.2.840.10008.5.1.4.1.1.77.1.4"


def dicom_bytes(jpeg: bytes, case: Mapping[Any, Any]) -> bytes:
    """Wrap a baseline JPEG of three components; the same picture and case give the same bytes.

    Args:
        jpeg: The stream.
        case: image_name, patient_id, sex, age_approx and anatom_site_general_challenge, any but the first missing.
    """
    dataset = _describe(case)
    _add_pixels(dataset, jpeg, case["image_name"])
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _describe(case: Mapping[Any, Any]) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = VL_PHOTOGRAPHIC_IMAGE
    dataset.SOPInstanceUID = _uid("image", case["image_name"])
    dataset.SeriesInstanceUID = _uid("series", case["image_name"])
    dataset.StudyInstanceUID = _uid("study", case["image_name"])
    dataset.Modality = "XC"
    dataset.PatientID = _known(case["patient_id"])
    dataset.PatientSex = _known(case["sex"])[:1].upper()
    if not pd.isna(case["age_approx"]):
        dataset.PatientAge = f"{int(case['age_approx']):03d}Y"
    # SIIM-ISIC's sites, such as HEAD/NECK, are not among the words that DICOM lists.
    site = _known(case["anatom_site_general_challenge"]).upper()
    dataset.add(DataElement("BodyPartExamined", "CS", site, validation_mode=config.IGNORE))
    return dataset


def _add_pixels(dataset: Dataset, jpeg: bytes, image_name: str) -> None:
    stream = inspect_jpeg(jpeg, image_name)
    dataset.SamplesPerPixel = stream.components
    dataset.PhotometricInterpretation = "YBR_FULL_422" if stream.subsampled else "YBR_FULL"
    dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = stream.height, stream.width
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "01"
    dataset.PixelData = encapsulate([jpeg])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit


def _uid(kind: str, image_name: str) -> str:
    # 2.25 is the root of identifiers made from a UUID.
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'{kind} {image_name}').int}"


def _known(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
