import logging
import re
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from melanoma.config import PredictConfig, TrainConfig, compose, resolve
from melanoma.data.demo.dicom import dicom_bytes
from melanoma.data.unlabelled import open_unlabelled
from melanoma.errors import ConfigError, DataError
from melanoma.vocabulary import METADATA

READERS = resolve(compose("predict", ["checkpoint=x", "images=y"]), PredictConfig).readers
SIIM, HAM = (replace(resolve(compose("train", [f"data={name}"]), TrainConfig).data, on_error="skip",
                     max_bad_fraction=0.5) for name in ("siim_isic", "ham10000"))  # fmt: skip


@pytest.fixture
def opened(images, folder, tmp_path):
    """Open the twelve images, as a folder or with a CSV of these lines beside the folder."""

    def run(*lines, data=SIIM, root=None, readers=READERS):
        path = folder
        if lines:
            path = tmp_path / "new.csv"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return open_unlabelled(path, root, data, readers, tmp_path / "cache")

    return run


def test_a_folder_gives_its_images_by_name_and_nothing_of_them_is_known(opened):
    table, reader = opened()
    assert table["image_name"].tolist() == [f"im{row:02d}" for row in range(12)]
    assert table[["patient_id", *METADATA, "target"]].isna().all(axis=None)
    assert reader.read("im03")[0, 0].tolist() == [60, 60, 60]


def test_one_file_is_one_image_wherever_a_link_leads(folder, images, tmp_path):
    for file in (folder / "im01.png", tmp_path / "link.png"):
        if file.parent == tmp_path:
            (tmp_path / "images/im01.png").rename(tmp_path / "images/moved.png")
            file.symlink_to(tmp_path / "images/moved.png")
        table, reader = open_unlabelled(file, None, SIIM, READERS, tmp_path)
        assert table["image_name"].tolist() == [file.stem]
        assert reader.read(file.stem)[0, 0].tolist() == [20, 20, 20]


@pytest.mark.parametrize(("place", "reader"), [("train", "DicomReader"), ("tfrecords", "TfrecordReader")])
def test_image_files_say_what_they_know_and_the_patient_stays_theirs(demo_root, tmp_path, place, reader):
    table, opened = open_unlabelled(demo_root / place, None, SIIM, READERS, tmp_path)
    truth = pd.read_csv(demo_root / "train.csv", dtype={"image_name": str}).set_index("image_name")
    assert type(opened).__name__ == reader
    pd.testing.assert_frame_equal(
        table[list(METADATA)], truth.loc[table["image_name"], list(METADATA)].reset_index(drop=True), check_dtype=False
    )
    assert table[["patient_id", "target"]].isna().all(axis=None)


def test_a_csv_keeps_its_order_and_may_know_nothing(opened):
    table, _ = opened("image_name", "im05", "im00", "im11")
    assert table["image_name"].tolist() == ["im05", "im00", "im11"]
    assert table[list(METADATA)].isna().all(axis=None)


def test_a_csv_s_metadata_are_read_and_blanks_are_unknown(opened):
    table, _ = opened(
        "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,target",
        "im05,001,female,45,torso,?",
        "im00,,,,,",
    )
    assert table[["patient_id", "sex", "age_approx", "anatom_site_general_challenge"]].iloc[0].tolist() == [
        *("001", "female", 45.0, "torso")
    ]
    assert table.drop(columns=["image_name", "source"]).iloc[1].isna().all()
    assert table["target"].isna().all()


def test_a_data_set_s_own_columns_and_words_are_read(opened):
    table, _ = opened("image_id,lesion_id,localization,sex,age", "im05,L1,scalp,male,70", data=HAM)
    row = table.iloc[0]
    assert (row["patient_id"], row["anatom_site_general_challenge"], row["age_approx"]) == ("L1", "head/neck", 70)


def test_a_csv_s_columns_go_before_the_image_files(demo_root, tmp_path):
    name = min((demo_root / "train").iterdir()).stem
    (tmp_path / "new.csv").write_text(f"image_name,sex\n{name},\n")
    readers = {"dicom": READERS["dicom"]}
    table, _ = open_unlabelled(tmp_path / "new.csv", demo_root / "train", SIIM, readers, tmp_path)
    truth = pd.read_csv(demo_root / "train.csv", dtype={"image_name": str}).set_index("image_name").loc[name]
    assert table["sex"].isna().all()
    assert table["age_approx"].tolist() == [truth["age_approx"]]


def test_what_headers_say_unclearly_counts_as_unknown_and_is_told_once(demo_root, tmp_path, caplog):
    (tmp_path / "new").mkdir()
    files = sorted((demo_root / "train").iterdir())[:3]
    case = {"image_name": "x", "patient_id": "P", "sex": "female", "anatom_site_general_challenge": "torso"}
    for file, age, site in zip(files, (45, 400, 50), ("torso", "KNEE OF JANE", "torso"), strict=True):
        jpeg = (demo_root / f"jpeg/train/{file.stem}.jpg").read_bytes()
        said = case | {"age_approx": age, "anatom_site_general_challenge": site}
        (tmp_path / "new" / file.name).write_bytes(dicom_bytes(jpeg, said).replace(b"050Y", b"50YR"))
    table, _ = open_unlabelled(tmp_path / "new", None, SIIM, READERS, tmp_path)
    assert table["age_approx"].isna().tolist() == [False, True, True]
    assert table["anatom_site_general_challenge"].isna().tolist() == [False, True, False]
    (told,) = (record.message for record in caplog.records if record.levelno >= logging.WARNING)
    odd = files[1].stem
    assert "of 3 images" in told
    assert f"anatom_site_general_challenge of 1 (such as {odd}), age_approx of 2 (such as {odd})" in told
    assert not {"KNEE", "JANE", "knee", "400", "50YR"} & set(re.findall(r"\w+", told))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["name", "im01"], "new.csv has no column image_name; known: name"),
        (["image_name", "im01", "im02", "im01"], "new.csv line 4: image_name is 'im01', as in line 2; name each"),
        (["image_name,anatom_site_general_challenge", "im01,torso", "im02,knee"], "line 3: anatom_site_general_challe"),
        (["image_name,anatom_site_general_challenge", "im01,knee"], "expected one of head/neck, upper extremity"),
        (["image_name,age_approx", "im01,old"], "line 2: age_approx is 'old'; expected 0 to 120"),
        (["image_name", "../im01"], "line 2: image_name is '../im01'; expected the name of a file"),
        (["image_name"], "has a header but no rows"),
        (["image_name", "a", "b", "im01"], "2 of 3 images of"),
    ],
)
def test_a_csv_that_breaks_the_contract(opened, lines, message):
    with pytest.raises(DataError, match=re.escape(message)):
        opened(*lines)


def test_absent_images_end_it_with_on_error_fail_and_name_the_folder(opened, folder):
    with pytest.raises(DataError, match=r"1 of 3 .* jpeg files below .*images, such as gone; give .* root=DIR"):
        opened("image_name", "im01", "im02", "gone", data=replace(SIIM, on_error="fail"), root=folder)
    assert len(opened("image_name", "im01", "im02", "gone", root=folder)[0]) == 3


def test_two_files_of_one_image_s_name(opened, folder):
    shutil.copy(folder / "im01.png", folder / "im01.jpg")
    with pytest.raises(
        DataError, match=r"im01\.jpg and im01\.png would both be image im01; rename one, or keep to one"
    ):
        opened()
    (folder / "im01.jpg").unlink()
    (folder / "DOE^JANE").mkdir()
    shutil.copy(folder / "im01.png", folder / "DOE^JANE/im01.png")
    with pytest.raises(DataError, match=r"im01\.png and im01\.png would .* score their folders one by one") as caught:
        opened()
    assert "DOE" not in str(caught.value)


def test_a_link_that_leaves_the_folder(opened, folder, tmp_path):
    (tmp_path / "other.png").touch()
    (folder / "link.png").symlink_to(tmp_path / "other.png")
    with pytest.raises(DataError, match=r"link\.png is a link that leaves images; .* set images to the folder"):
        opened()


def test_a_name_that_no_csv_can_hold(opened, folder):
    (folder / "a\nb.png").touch()
    with pytest.raises(DataError, match=r"'a\\nb' is no name of an image"):
        opened()


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("none", {}, "no such file or folder; give a folder, an image or a CSV"),
        ("images", {"root": "x"}, "root=x says where the images of a CSV lie"),
        ("images", {"readers": {"jpg": READERS["jpeg"]}}, "reader.name=jpg: no such reader; did you mean jpeg?"),
    ],
)
def test_options_that_do_not_fit(images, tmp_path, path, options, message):
    options = {"root": None, "data": SIIM, "readers": READERS, "cache": tmp_path} | options
    with pytest.raises(ConfigError, match=re.escape(message)):
        open_unlabelled(tmp_path / path, **options)


def test_a_root_that_is_not_there(opened, tmp_path):
    with pytest.raises(ConfigError, match=r"root=.*gone: no such folder; give the one that holds the images"):
        opened("image_name", "im01", root=tmp_path / "gone")
