import re

import pytest

from melanoma.config import ReaderConfig
from melanoma.data.readers.formats import format_of, reader_of_file, reader_of_folder
from melanoma.errors import ConfigError, DataError

READERS = {
    name: ReaderConfig(name, suffixes)
    for name, suffixes in (("jpeg", [".jpg", ".png"]), ("dicom", [".dcm"]), ("tfrecord", [".tfrec"]))
}


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_file_s_format_is_that_of_its_first_bytes(demo_root):
    for folder, name in (("jpeg/train", "jpeg"), ("train", "dicom"), ("tfrecords", "tfrecord")):
        assert format_of(next((demo_root / folder).iterdir())) == name


@pytest.mark.parametrize("data", [b"", b"hello", bytes(200), b"\x89PNG\r\n"])
def test_other_bytes_are_of_no_format(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    assert format_of(tmp_path / "a") is None


def test_content_goes_before_ending_and_a_named_reader_before_both(demo_root, tmp_path):
    file = tmp_path / "a.JPG"
    file.write_bytes(next((demo_root / "train").iterdir()).read_bytes())
    assert reader_of_file(file, READERS) == ReaderConfig("dicom", [".jpg"])
    assert reader_of_file(file, {"jpeg": READERS["jpeg"]}) == ReaderConfig("jpeg", [".jpg"])
    file.write_bytes(b"")
    assert reader_of_file(file, READERS).name == "jpeg"


def test_a_file_of_no_format_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(ConfigError, match=re.escape("a.txt is none of jpeg, dicom, tfrecord, and no CSV")):
        reader_of_file(tmp_path / "a.txt", READERS)


def test_a_folder_s_format_is_that_of_its_files(tmp_path):
    reader, names = reader_of_folder(write(tmp_path, "a.DCM", "below/b.dcm", "notes.txt"), READERS)
    assert (reader.name, sorted(names)) == ("dicom", ["a.DCM", "b.dcm"])


def test_of_several_formats_the_first_reader_is_taken(tmp_path, caplog):
    caplog.set_level("INFO")
    assert reader_of_folder(write(tmp_path, "a.dcm", "b.jpg", "c.dcm", "d.TIF"), READERS)[0].name == "jpeg"
    assert "not read are 2 dicom, 1 .tif; reader=" in caplog.text


def test_of_several_others_one_has_to_be_named(tmp_path):
    with pytest.raises(DataError, match="1 dicom and 1 tfrecord files; say which: reader=dicom or reader=tfrecord"):
        reader_of_folder(write(tmp_path, "a.dcm", "b.tfrec"), READERS)


def test_a_folder_without_images_says_what_it_holds(tmp_path):
    with pytest.raises(DataError, match="hold no file"):
        reader_of_folder(tmp_path, READERS)
    with pytest.raises(DataError, match=r"looked for \.dcm, and found no ending \(2\), \.txt \(1\)\. Another ending"):
        reader_of_folder(write(tmp_path, "a", "b", "c.txt"), {"dicom": READERS["dicom"]})
