import numpy as np
import pandas as pd
import pytest

from melanoma.data.readers.folder import Folder
from melanoma.data.readers.tfrecord import TfrecordReader
from melanoma.data.stores.jpeg import encode_jpeg
from melanoma.data.stores.ledger import Entry, Ledger
from melanoma.data.stores.shards import ShardStore, plan_shards


@pytest.fixture
def few(monkeypatch):
    """Shards of five images."""
    monkeypatch.setattr("melanoma.data.stores.shards.SHARD_IMAGES", 5)


def pictures(names):
    data = encode_jpeg(np.zeros((16, 16, 3), np.uint8), 95, "im")
    return [(Entry(name, (1, 1), 60, 40), data) for name in names]


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_image_is_in_one_shard_of_its_split(images, few):
    split = pd.Series(["train"] * 11 + ["test"])
    shards = plan_shards(images, split)
    assert [(shard.stem, len(shard.rows)) for shard in shards] == [
        ("train00", 5), ("train01", 5), ("train02", 1), ("test00", 1),
    ]  # fmt: skip
    assert pd.concat([shard.rows for shard in shards])["image_name"].tolist() == images["image_name"].tolist()


def test_a_missing_image_leaves_the_other_shards_as_they_are(images, few):
    split = pd.Series(["train"] * 12)
    whole, without = plan_shards(images, split), plan_shards(images, split, ["im02"])
    assert without[0].rows["image_name"].tolist() == ["im00", "im01", "im03", "im04"]
    assert without[1].rows.equals(whole[1].rows)


def test_more_than_a_hundred_shards_get_longer_numbers(images, monkeypatch):
    monkeypatch.setattr("melanoma.data.stores.shards.SHARD_IMAGES", 1)
    table = pd.concat([images] * 9, ignore_index=True)
    stems = [shard.stem for shard in plan_shards(table, pd.Series("val", table.index))]
    assert (stems[0], stems[-1]) == ("val000", "val107")


def test_records_hold_what_the_table_says(images, tmp_path):
    (shard,) = plan_shards(images, pd.Series("train", images.index))
    store = ShardStore(Ledger(tmp_path, "tfrecords"))
    store.write(shard, pictures(images["image_name"]))
    assert files(tmp_path / "tfrecords") == ["train00-12.tfrec"]
    reader = TfrecordReader(Folder(tmp_path, tmp_path / "tfrecords", [".tfrec"], "out"))
    said = reader.headers(["im00", "im01", "im02"])
    assert said["sex"].tolist() == ["", "male", "female"]
    assert said["anatom_site_general_challenge"].tolist() == ["", "head/neck", "oral/genital"]
    assert said["age_approx"].tolist() == ["", "0", "35"]
    assert said["target"].tolist() == ["0", "1", "0"]
    assert said["patient_id"].tolist() == ["p0"] * 3


def test_the_name_counts_what_could_be_made(images, tmp_path):
    (shard,) = plan_shards(images, pd.Series("train", images.index))
    ledger = Ledger(tmp_path, "tfrecords")
    ShardStore(ledger).write(shard, pictures(["im03", "im04"]))
    ShardStore(ledger).write(shard, pictures(["im03", "im04", "im05"]))
    assert files(tmp_path / "tfrecords") == ["train00-3.tfrec"]
    ledger.forget_changed({})
    assert list(ledger.entries) == ["im03", "im04", "im05"]


def test_no_shard_is_better_than_an_empty_one(images, tmp_path):
    (shard,) = plan_shards(images, pd.Series("train", images.index))
    ShardStore(Ledger(tmp_path, "tfrecords")).write(shard, [])
    assert files(tmp_path / "tfrecords") == []


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    (tmp_path / "tfrecords").mkdir()
    for name in ("train00.partial", "train00.partial.tmp"):
        (tmp_path / "tfrecords" / name).write_bytes(b"half")
    ShardStore(Ledger(tmp_path, "tfrecords"))
    assert files(tmp_path / "tfrecords") == []
