import traceback
import warnings

import cv2
import numpy as np
import pytest

from melanoma.errors import ImageError

JPEG = cv2.imencode(".jpg", np.full((25, 32, 3), 90, np.uint8))[1].tobytes()
CHARACTERS, DATE, NAME, PATIENT, SEX, AGE, SITE = (
    *(0x00080005, 0x00080020, 0x00100010, 0x00100020),
    *(0x00100040, 0x00101010, 0x00180015),
)
FRAMES = 0x00280008
JANE = b"DOE^JANE"


def test_what_a_file_says_of_its_image(open_dicom, make_dicom, element):
    said = [
        element(PATIENT, "LO", b"IP_0042 "),
        element(SEX, "CS", b"F"),
        element(AGE, "AS", b"045Y"),
        element(SITE, "CS", b"HEAD/NECK"),
    ]
    headers = open_dicom(make_dicom(JPEG, *said), make_dicom(JPEG)).headers(["b", "a"])
    assert headers.index.tolist() == ["b", "a"]
    assert headers.index.name == "image_name"
    assert headers.loc["a"].to_dict() == {
        "patient_id": "IP_0042",
        "sex": "F",
        "age_approx": "45",
        "anatom_site_general_challenge": "HEAD/NECK",
    }
    assert headers.loc["b"].tolist() == ["", "", "", ""]
    assert (headers.dtypes == "str").all()


@pytest.mark.parametrize(
    ("written", "years"),
    [("000Y", "0"), ("100Y", "100"), ("018M", "1.5"), ("026W", "0.4983"), ("010D", "0.02738"), ("", ""), ("  ", "")],
)
def test_age_in_years(written, years, open_dicom, make_dicom, element):
    headers = open_dicom(make_dicom(JPEG, element(AGE, "AS", written.encode()))).headers(["a"])
    assert headers["age_approx"].tolist() == [years]


@pytest.mark.parametrize("written", ["77", "77Y", "077y", "1960", "0077Y", "DOE^JANE"])
def test_age_of_another_form_is_no_number(written, open_dicom, make_dicom, element):
    reader = open_dicom(make_dicom(JPEG, element(AGE, "AS", written.encode())))
    assert reader.headers(["a"])["age_approx"].tolist() == [f"{written}?"]


def test_patients_of_any_character_set_stay_apart(open_dicom, make_dicom, element):
    ids = ["Müller".encode(), "Möller".encode("latin-1"), "山田".encode("gb18030")]
    reader = open_dicom(*(make_dicom(JPEG, element(PATIENT, "LO", one)) for one in ids))
    assert reader.headers(["a", "b", "c"])["patient_id"].nunique() == 3


def test_unreadable_files_say_nothing_and_are_refused(open_dicom, make_dicom, element):
    said = [element(PATIENT, "LO", b"IP_0042"), element(SITE, "CS", b"TORSO")]
    reader = open_dicom(b"", make_dicom(JPEG, *said)[:190], JPEG)
    assert (reader.headers(["a", "b", "c"]) == "").all(axis=None)
    for name in ("a", "b", "c"):
        with pytest.raises(ImageError):
            reader.read(name)


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"label": "DOE^JANE"},
        {"syntax": "DOE^JANE"},
        {"frames": JANE},
        {"age": JANE},
        {"Rows": 3},
        {"cut": 30},
        {"cut": 900},
        {"frame": JANE * 9},
        {"frame": JPEG[:2] + b"\xff\xfe\x00\x0a" + JANE + JPEG[2:-200]},
        {"frame": JPEG, "label": "RGB"},
    ],
)
def test_no_header_value_in_log_warning_or_error(fault, open_dicom, make_dicom, element, caplog, capfd):
    numbers = {"Rows": fault["Rows"]} if "Rows" in fault else {}
    tags = [(CHARACTERS, "CS"), (DATE, "DA"), (NAME, "PN"), (PATIENT, "LO"), (SEX, "CS"), (SITE, "CS")]
    said = [element(tag, vr, JANE) for tag, vr in tags]
    said += [element(AGE, "AS", fault.get("age", b"045Y")), element(FRAMES, "IS", fault.get("frames", b"1"))]
    named = {name: fault[name] for name in ("label", "syntax") if name in fault}
    data = make_dicom(fault.get("frame", JPEG), *said, **named, **numbers)
    reader = open_dicom(data[: len(data) - fault.get("cut", 0)])
    told = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for act in (reader.read, reader.size, reader.coded, lambda name: reader.headers([name])):
            try:
                act("a")
            except ImageError as error:
                told += "".join(traceback.format_exception(error))
    told += "".join(str(one.message) for one in caught) + caplog.text + "".join(capfd.readouterr())
    assert bool(told) == bool(fault.keys() - {"age"})
    assert "DOE" not in told
    assert "JANE" not in told
