import re
import shutil
from pathlib import Path

import pytest

from melanoma.config import EvalConfig, compose, resolve
from melanoma.errors import CheckpointError, ConfigError, DataError

SAME = ["image_name", "sex", "age_approx", "anatom_site_general_challenge", "logit", "probability"]


@pytest.fixture
def evaluated(demo_root, tmp_path, table):
    from melanoma.evaluation.run import evaluate

    def run(checkpoint, *overrides):
        words = [f"checkpoint={checkpoint}", "split=all", "device=cpu", "bootstrap_draws=100", *overrides]
        evaluate(resolve(compose("eval", words), EvalConfig), tmp_path / "eval")
        return table(tmp_path / "eval/predictions.csv")

    return run


def few(demo_root, folder, count=4):
    """Copy a few of the demo's pictures; give their names."""
    folder.mkdir(parents=True)
    files = sorted((demo_root / "jpeg/train").iterdir())[:count]
    return [Path(shutil.copy(file, folder)).stem for file in files]


def platt(checkpoint):
    checkpoint.calibration = {"method": "platt", "slope": 0.7, "intercept": -1.0}


@pytest.mark.parametrize("options", [(), ("tta=flip", "crops=5")])
def test_the_figures_are_those_of_an_evaluation_to_the_last_bit(
    predicted, evaluated, changed, demo_root, tmp_path, table, options
):
    checkpoint = changed("calibrated.pt", platt)
    rows = predicted(*options, checkpoint=checkpoint, images=demo_root / "train.csv")
    assert rows[SAME].equals(evaluated(checkpoint, *options)[SAME])
    submission = table(tmp_path / "predict/submission.csv")
    assert submission.equals(rows[["image_name", "probability"]].set_axis(["image_name", "target"], axis=1))


def test_several_checkpoints_give_what_an_evaluation_of_them_gives(predicted, evaluated, changed, trained, demo_root):
    both = f"[{changed('one.pt', platt)},{trained}]"
    rows = predicted(checkpoint=both, images=demo_root / "train.csv")
    assert rows[SAME].equals(evaluated(both)[SAME])


@pytest.mark.parametrize(("place", "options"), [("train", []), ("tfrecords", []), (".", ["reader=dicom"])])
def test_every_format_gives_the_same_figures_and_knows_its_metadata(predicted, demo_root, place, options):
    expected = predicted(images=demo_root / "train.csv").sort_values("image_name")
    rows = predicted("data=siim_isic", *options, images=demo_root / place)
    assert rows.columns.tolist() == [*SAME, "called"]
    assert rows[SAME].equals(expected[SAME].reset_index(drop=True))


def test_a_folder_of_pictures_gives_scores_by_name_alone(predicted, demo_root, tmp_path, table):
    names = few(demo_root, tmp_path / "new")
    rows = predicted(images=tmp_path / "new")
    assert rows.columns.tolist() == ["image_name", "logit", "probability", "called"]
    assert rows["image_name"].tolist() == names
    alone = predicted(images=tmp_path / f"new/{names[2]}.jpg")
    assert alone["image_name"].tolist() == names[2:3]
    assert float(alone["logit"][0]) == pytest.approx(float(rows["logit"][2]), abs=1e-6)
    assert {path.name for path in (tmp_path / "predict").iterdir()} == {
        *("predictions.csv", "submission.csv", "unreadable.csv")
    }


def test_the_submission_has_the_csv_s_order(predicted, demo_root, tmp_path, table):
    names = few(demo_root, tmp_path / "new")[::-1]
    (tmp_path / "new/test.csv").write_text("image_name\n" + "\n".join(names))
    predicted(images=tmp_path / "new/test.csv")
    lines = (tmp_path / "predict/submission.csv").read_text().splitlines()
    assert lines[0] == "image_name,target"
    assert [line.split(",")[0] for line in lines[1:]] == names


def test_unreadable_images_are_listed_and_have_no_row(predicted, demo_root, tmp_path, table, caplog):
    names, new = few(demo_root, tmp_path / "new", 6), tmp_path / "new"
    (new / f"{names[0]}.jpg").write_bytes(b"")
    (new / f"{names[1]}.jpg").write_text("not a picture")
    cut = new / f"{names[2]}.jpg"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (new / "test.csv").write_text("image_name\n" + "\n".join([*names, "gone"]))
    rows = predicted("data.max_bad_fraction=0.6", images=new / "test.csv")
    listed = table(tmp_path / "predict/unreadable.csv")
    assert rows["image_name"].tolist() == names[3:]
    assert listed["image_name"].tolist() == [*names[:3], "gone"]
    assert [reason.split()[:3] for reason in listed["reason"]] == [
        ["is", "empty", "(0"], ["is", "neither", "JPEG"], ["is", "cut", "short"], ["is", "not", "there"],
    ]  # fmt: skip
    assert "4 of 7 images have no row, in the submission neither" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["data.on_error=fail"], "leave such images out with data.on_error=skip"),
        (["data.max_bad_fraction=0.5"], "more than data.max_bad_fraction=0.5 allows"),
        (["data.max_bad_fraction=1"], "none of the 3 images could be read; image"),
    ],
)
def test_too_many_unreadable_images_end_it_without_a_table(predicted, demo_root, tmp_path, options, message):
    for name in few(demo_root, tmp_path / "new", 3):
        (tmp_path / f"new/{name}.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=re.escape(message)):
        predicted(*options, images=tmp_path / "new")
    assert not list((tmp_path / "predict").glob("*.csv"))


def test_a_dicom_file_without_pixels_is_listed(predicted, demo_root, tmp_path, table):
    new = tmp_path / "new"
    new.mkdir()
    first, *others = [Path(shutil.copy(file, new)) for file in sorted((demo_root / "train").iterdir())[:3]]
    data = first.read_bytes()
    first.write_bytes(data[: data.index(b"\xe0\x7f\x10\x00")])
    rows = predicted(images=new)
    assert rows["image_name"].tolist() == [path.stem for path in others]
    assert table(tmp_path / "predict/unreadable.csv")["image_name"].tolist() == [first.stem]


def test_an_image_is_called_malignant_from_the_checkpoint_s_threshold_on(predicted, changed, demo_root, tmp_path):
    few(demo_root, tmp_path / "new", 5)
    probability = predicted(images=tmp_path / "new")["probability"].astype(float)
    middle = changed("middle.pt", lambda checkpoint: setattr(checkpoint, "threshold", sorted(probability)[2]))
    rows = predicted(checkpoint=middle, images=tmp_path / "new")
    assert rows["called"].tolist() == (probability >= sorted(probability)[2]).astype(int).astype(str).tolist()
    assert rows["called"].tolist().count("1") == 3


def test_without_a_threshold_nothing_is_called(predicted, changed, demo_root, tmp_path, caplog):
    few(demo_root, tmp_path / "new")
    bare = changed("bare.pt", lambda checkpoint: setattr(checkpoint, "threshold", None))
    assert "called" not in predicted(checkpoint=bare, images=tmp_path / "new")
    assert "no image is called malignant or benign" in caplog.text


def test_further_words_for_sites(predicted, demo_root, tmp_path):
    (name,) = few(demo_root, tmp_path / "new", 1)
    (tmp_path / "new/test.csv").write_text(f"image_name,anatom_site_general_challenge\n{name},knee\n")
    with pytest.raises(DataError, match=r"test.csv line 2: .* is 'knee'; expected one of head/neck"):
        predicted(images=tmp_path / "new/test.csv")
    rows = predicted("+data.sites={knee: lower extremity}", images=tmp_path / "new/test.csv")
    assert rows["anatom_site_general_challenge"].tolist() == ["lower extremity"]


def test_checkpoints_that_cannot_be_used(predicted, trained, tmp_path):
    with pytest.raises(CheckpointError, match=r"none\.pt cannot be read"):
        predicted(checkpoint=tmp_path / "none.pt")
    (tmp_path / "damaged.pt").write_bytes((trained / "checkpoints/best.pt").read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="damaged"):
        predicted(checkpoint=tmp_path / "damaged.pt")
    with pytest.raises(ConfigError, match="name it once"):
        predicted(checkpoint=f"[{trained},{trained}]")


def test_the_command_prints_what_it_wrote(run, trained, demo_root, tmp_path):
    few(demo_root, tmp_path / "new")
    code, out, err = run("predict", f"checkpoint={trained}", f"images={tmp_path}/new", f"hydra.run.dir={tmp_path}/run")
    assert code == 0, err
    assert re.fullmatch(
        r"scored 4 of 4 images, \d called malignant at the threshold 0\.\d{4}\n"
        rf"predictions {tmp_path}/run/predictions\.csv\nsubmission {tmp_path}/run/submission\.csv\n",
        out,
    )
    code, _, err = run("predict", "checkpoint=[]", "images=x", f"hydra.run.dir={tmp_path}/none")
    assert (code, "checkpoint=[] names none" in err) == (2, True)
