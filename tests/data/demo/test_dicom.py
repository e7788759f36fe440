from io import BytesIO

import cv2
import numpy as np
import pandas as pd
import pydicom
import pytest

from melanoma.data.demo.dicom import dicom_bytes

PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8), (32, 25))
CASE = {
    "image_name": "ISIC_0000007",
    "patient_id": "IP_0000042",
    "sex": "female",
    "age_approx": 45.0,
    "anatom_site_general_challenge": "head/neck",
    "target": 1,
}


def jpeg_of(sampling=cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444) -> bytes:
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return cv2.imencode(".jpg", PICTURE[..., ::-1], options)[1].tobytes()


@pytest.mark.parametrize(
    ("sampling", "label"),
    [
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, "YBR_FULL"),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422, "YBR_FULL_422"),
    ],
)
def test_pydicom_reads_the_picture_and_the_case(sampling, label):
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(jpeg_of(sampling), CASE)))
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert dataset.PhotometricInterpretation == label
    assert (dataset.Rows, dataset.Columns, dataset.Modality) == (25, 32, "XC")
    assert (dataset.PatientID, dataset.PatientSex, dataset.PatientAge) == ("IP_0000042", "F", "045Y")
    assert dataset.BodyPartExamined == "HEAD/NECK"
    assert np.abs(dataset.pixel_array.astype(int) - PICTURE).mean() < 6


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_what_is_missing_stays_empty(missing):
    case = dict.fromkeys(CASE, missing) | {"image_name": "a"}
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(jpeg_of(), case)))
    assert (dataset.PatientID, dataset.PatientSex, dataset.BodyPartExamined) == ("", "", "")
    assert "PatientAge" not in dataset


def test_the_same_case_gives_the_same_bytes_and_another_one_other_identifiers():
    assert dicom_bytes(jpeg_of(), CASE) == dicom_bytes(jpeg_of(), CASE)
    files = [dicom_bytes(jpeg_of(), CASE | {"image_name": name}) for name in "ab"]
    first, second = (pydicom.dcmread(BytesIO(data)) for data in files)
    assert first.SOPInstanceUID != second.SOPInstanceUID


def test_the_target_is_not_in_the_file():
    assert dicom_bytes(jpeg_of(), CASE | {"target": 0}) == dicom_bytes(jpeg_of(), CASE)
