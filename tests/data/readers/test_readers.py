import pytest

from melanoma.data.readers import make_reader
from melanoma.errors import ConfigError, DataError


def test_the_reader_reads_the_data_set_s_images(images, configure):
    config = configure()
    reader = make_reader(config.data, config.reader)
    assert reader.missing(images["image_name"]) == []
    assert reader.read("im03").shape == (16, 16, 3)


def test_unknown_reader_gives_the_known_ones(folder, configure):
    config = configure("reader.name=jpg")
    with pytest.raises(ConfigError, match=r"reader\.name=jpg: no such reader; (did you mean|known:) jpeg"):
        make_reader(config.data, config.reader)


def test_reader_that_the_data_set_has_no_folder_for(folder, configure):
    config = configure()
    config.data.images = {"dicom": "dicom"}
    with pytest.raises(DataError) as caught:
        make_reader(config.data, config.reader)
    assert "where siim_isic keeps its jpeg files; it has dicom" in str(caught.value)
    assert "+data.images.jpeg=FOLDER" in str(caught.value)


def test_folder_that_is_not_there(tmp_path, configure):
    config = configure("data.images.jpeg=pictures")
    with pytest.raises(DataError) as caught:
        make_reader(config.data, config.reader)
    message = str(caught.value)
    assert str(tmp_path / "pictures") in message
    assert "data.root=DIR" in message
    assert "data.images.jpeg=FOLDER" in message
