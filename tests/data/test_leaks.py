import logging

import cv2
import numpy as np
import pandas as pd
import pytest

from melanoma.data.fingerprints import fingerprint_images
from melanoma.data.leaks import COLUMNS, check_leaks, count_within, find_leaks
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader
from melanoma.errors import SplitError


def speckled(seed):
    """A picture that no other seed gives, as BGR (H, W, 3)."""
    cells = np.random.default_rng(seed).integers(0, 255, (14, 16, 3), np.uint8)
    return cv2.resize(cells, (128, 112), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def plant(folder):
    """Write pictures of three splits; give their table and split, with further images named, placed and drawn."""

    def make(*more):
        rows = []
        for number, split in enumerate(["train", "val", "test"] * 3):
            rows.append((f"im{number}", f"secret{number}", split))
            cv2.imwrite(str(folder / f"im{number}.png"), speckled(number))
        for number, (name, split, picture) in enumerate(more):
            rows.append((name, f"further{number}", split))
            content = picture if isinstance(picture, bytes) else cv2.imencode(".png", picture)[1].tobytes()
            (folder / f"{name}.png").write_bytes(content)
        table = pd.DataFrame(rows, columns=["image_name", "patient_id", "split"], dtype="str")
        table["lesion_id"] = pd.Series(pd.NA, index=table.index, dtype="str")
        return table, table["split"]

    return make


@pytest.fixture
def check(folder, tmp_path):
    """Check at a level, with the run's folder beside the images."""
    (tmp_path / "run").mkdir()

    def call(table, split, level="images"):
        reader = JpegReader(Folder(folder, folder, [".png"], "data.images.jpeg"))
        return check_leaks(table, split, reader, level, tmp_path / "run", tmp_path / "cache", "jpeg")

    return call


def listed(tmp_path):
    return pd.read_csv(tmp_path / "run" / "leaks.csv", dtype=str, keep_default_na=False).to_numpy().tolist()


def test_splits_without_leak(plant, check, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        leaks = check(*plant(), level="strict")
    assert leaks.counts() == {}
    assert caplog.records == []
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["leaks.csv"]
    assert (tmp_path / "run" / "leaks.csv").read_text() == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize("level", ["ids", "images", "strict"])
@pytest.mark.parametrize("kind", ["patient", "lesion"])
def test_shared_patient_or_lesion_ends_every_level_without_being_named(plant, check, tmp_path, level, kind):
    table, split = plant()
    table.loc[[0, 1, 3, 6], f"{kind}_id"] = "secret"  # im0, im3 and im6 in train, im1 in val
    with pytest.raises(SplitError) as caught:
        check(table, split, level)
    message = str(caught.value)
    assert f"the splits share image pairs: 3 of one {kind} (leaks.csv lists them)" in message
    assert "such as im1 (val) and im0 (train), im1 (val) and im3 (train)" in message
    assert "secret" not in message + (tmp_path / "run" / "leaks.csv").read_text()
    assert "data.splits=FILE" in message
    assert "data.leaks" not in message
    assert "\n" not in message
    assert listed(tmp_path) == [["im1", "val", name, "train", kind, ""] for name in ("im0", "im3", "im6")]


def test_missing_lesion_is_no_shared_lesion(plant):
    table, split = plant()
    table["lesion_id"] = pd.Series([pd.NA, "a", "b"] * 3, dtype="str")
    assert find_leaks(table, split, None).counts() == {}


def test_same_file_ends_the_run(plant, check, tmp_path, folder):
    table, split = plant(("copy", "train", cv2.imencode(".png", speckled(2))[1].tobytes()))
    with pytest.raises(SplitError) as caught:
        check(table, split)
    run = tmp_path / "run"
    assert str(caught.value) == (
        "the splits share image pairs: 1 identical (leaks.csv lists them), such as im2 (test) and copy (train). To "
        f"leave the second image of each pair out: data.duplicates={run}/leaks.csv data.splits={run}/splits.csv; or "
        "give other splits with data.splits=FILE; or data.leaks=ids"
    )
    assert listed(tmp_path) == [["im2", "test", "copy", "train", "bytes", "0"]]
    assert (run / "leaks.png").is_file()
    assert SplitError.exit_code == 3


def test_ids_open_no_image(plant, check, folder):
    table, split = plant(("copy", "train", speckled(2)))
    for file in folder.iterdir():
        file.unlink()
    assert check(table, split, "ids").counts() == {}


NEAR = {
    "encoded again": lambda picture: cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes(),
    "mirrored": lambda picture: picture[:, ::-1],
    "turned": lambda picture: np.rot90(picture),
}


@pytest.mark.parametrize("change", NEAR)
def test_near_duplicate_is_told_and_ends_a_strict_run(plant, check, tmp_path, caplog, change):
    table, split = plant(("copy", "train", NEAR[change](speckled(2))))
    with caplog.at_level(logging.WARNING):
        leaks = check(table, split)
    assert leaks.counts() == {"near": 1}
    assert leaks.pairs.loc[0, COLUMNS[:5]].tolist() == ["im2", "test", "copy", "train", "near"]
    assert caplog.messages == [
        "the splits share image pairs: 1 nearly identical (leaks.csv lists them), such as im2 (test) and copy (train); "
        f"look at them in {tmp_path}/run/leaks.png"
    ]
    with pytest.raises(SplitError, match=r"pairs: 1 nearly identical .*; or data\.leaks=images$"):
        check(table, split, "strict")


def test_same_picture_within_one_split_is_no_leak(plant, check, folder):
    more = [
        ("copy", "test", cv2.imencode(".png", speckled(2))[1].tobytes()),
        ("turned", "test", np.rot90(speckled(2))),
        ("other", "train", np.rot90(speckled(0))),
    ]
    table, split = plant(*more)
    assert check(table, split, "strict").counts() == {}
    reader = JpegReader(Folder(folder, folder, [".png"], "data.images.jpeg"))
    prints = fingerprint_images(reader, table["image_name"].tolist(), None, "")
    assert count_within(table, split, prints) == {
        "train": {"bytes": 0, "near": 1},
        "val": {"bytes": 0, "near": 0},
        "test": {"bytes": 1, "near": 2},
    }


def test_every_pair_is_listed_once_and_the_held_out_image_comes_first(plant, check, tmp_path):
    same = cv2.imencode(".png", speckled(50))[1].tobytes()
    more = [("a", "train", same), ("b", "val", same), ("c", "test", same), ("d", "test", same), ("e", "train", same)]
    table, split = plant(*more, ("turned", "val", np.rot90(speckled(50))))
    with pytest.raises(SplitError, match="pairs: 3 identical"):
        check(table, split)
    pairs = [row[:5] for row in listed(tmp_path)]
    assert pairs[:3] == [
        ["c", "test", name, kind, "bytes"] for name, kind in zip("bae", ("val", "train", "train"), strict=True)
    ]
    assert sorted(pairs[3:]) == [
        ["c", "test", "turned", "val", "near"],
        ["d", "test", "turned", "val", "near"],
        ["turned", "val", "a", "train", "near"],
        ["turned", "val", "e", "train", "near"],
    ]


def test_leaving_out_every_second_image_mends_the_splits(plant, check, tmp_path):
    same = cv2.imencode(".png", speckled(50))[1].tobytes()
    near = np.rot90(speckled(50))
    table, split = plant(("a", "train", same), ("b", "val", near), ("c", "test", same), ("d", "train", near))
    table.loc[[3, 4], "patient_id"] = "one"
    with pytest.raises(SplitError):
        check(table, split, "strict")
    kept = table[~table["image_name"].isin([row[2] for row in listed(tmp_path)])].reset_index(drop=True)
    assert len(kept) == len(table) - 4
    assert check(kept, kept["split"], "strict").counts() == {}


def test_image_of_another_source_is_found_in_test(plant, check):
    table, split = plant(("other", "train", cv2.imencode(".png", speckled(5))[1].tobytes()))
    table["source"] = ["siim_isic"] * 9 + ["isic_2019"]
    with pytest.raises(SplitError, match=r"im5 \(test\) and other \(train\)"):
        check(table, split)


def test_odd_names_survive(plant, check, tmp_path):
    names = ["<script>alert(1)<", 'a, "b"', "Fleck $x^ größer", "x" * 200]
    encoded = [cv2.imencode(".png", speckled(number))[1].tobytes() for number in (2, 5, 8, 1)]
    table, split = plant(*[(name, "train", data) for name, data in zip(names, encoded, strict=True)])
    with pytest.raises(SplitError):
        check(table, split)
    assert sorted(row[2] for row in listed(tmp_path)) == sorted(names)


def test_unreadable_image_is_left_out_and_told(plant, check, caplog):
    table, split = plant(("bad", "train", b"no picture"))
    with caplog.at_level(logging.WARNING):
        assert check(table, split).counts() == {}
    assert caplog.messages == [
        "1 images were not compared, such as bad: is neither JPEG nor PNG, or its header is damaged"
    ]


def test_second_start_finds_the_same(plant, check):
    table, split = plant(("copy", "train", np.rot90(speckled(2))))
    first = check(table, split)
    pd.testing.assert_frame_equal(check(table, split).pairs, first.pairs)
