import pytest

from melanoma.config import ReaderConfig
from melanoma.data.image_facts import image_facts
from melanoma.data.readers import make_reader


@pytest.mark.parametrize(("name", "suffixes"), [("jpeg", [".jpg"]), ("dicom", [".dcm"]), ("tfrecord", [".tfrec"])])
def test_facts_are_those_of_the_stored_image_in_every_format(train_config, name, suffixes):
    reader = make_reader(train_config().data, ReaderConfig(name, suffixes))
    names = reader.names()[:3]
    facts = image_facts(reader, names)
    assert facts.index.tolist() == names
    assert facts[["width", "height"]].to_numpy().tolist() == [list(reader.size(one)) for one in names]
    assert facts["file_bytes"].tolist() == [reader.stamp(one)[0] for one in names]
    assert (facts["file_bytes"] > 300).all()


def test_what_cannot_be_read_is_missing(train_config, tmp_path):
    data = train_config(f"data.root={tmp_path}").data
    (tmp_path / "jpeg/train").mkdir(parents=True)
    (tmp_path / "jpeg/train/a.jpg").write_bytes(b"no picture")
    facts = image_facts(make_reader(data, ReaderConfig("jpeg", [".jpg"])), ["a", "b"])
    assert facts.isna().all(axis=None)
