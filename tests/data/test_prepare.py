import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from melanoma.config import TrainConfig, compose, resolve
from melanoma.data.table import choose_splits, open_data

HEADER = "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,target"
COUNT = 60


@pytest.fixture
def originals(tmp_path):
    """Sixty JPEGs of thirty patients, each of its own grey and noise, in SIIM-ISIC's layout."""
    root = tmp_path / "originals"
    (root / "jpeg/train").mkdir(parents=True)
    rows = []
    for number in range(COUNT):
        rng = np.random.default_rng(number)
        width, height = (90, 60) if number % 3 else (64, 80)
        picture = cv2.resize(rng.integers(0, 255, (4, 4, 3), np.uint8), (width, height))
        comment = f"PATIENT-{number // 2}".encode()
        Image.fromarray(picture).save(root / f"jpeg/train/im{number:02}.jpg", comment=comment)
        rows.append(f"im{number:02},PATIENT-{number // 2},{'male' if number % 4 else ''},50,torso,{number % 5 // 4}")
    (root / "train.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return root


@pytest.fixture
def options(originals, tmp_path):
    """The command line that prepares `originals`."""
    return [f"data.root={originals}", f"out={tmp_path / 'out'}", f"cache={tmp_path / 'cache'}", "size=32", "workers=2"]


@pytest.fixture
def out(tmp_path):
    """The folder that is written."""
    return tmp_path / "out"


def opened(out, *overrides):
    """The table, reader and splits that training takes from a prepared folder."""
    config = resolve(compose("train", ["data=prepared", f"data.root={out}", *overrides]), TrainConfig)
    table, reader = open_data(config.data, config.reader, None)
    table, split = choose_splits(table, config.data, config.split)
    return table, reader, split


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(("kind", "folder"), [("jpeg", "jpeg"), ("tfrecord", "tfrecords")])
def test_training_reads_what_was_prepared(run, options, out, originals, kind, folder):
    code, stdout, err = run("prepare", *options, f"format={kind}")
    assert code == 0, err
    assert "60 images of 30 patients, 12 melanomas (20.0 %)." in stdout
    table, reader, split = opened(out, f"reader={kind}")
    assert reader.missing(table["image_name"]) == []
    assert {reader.read(name).shape for name in table["image_name"]} == {(32, 48, 3), (40, 32, 3)}
    first = Image.open(originals / "jpeg/train/im01.jpg").resize((48, 32), Image.Resampling.LANCZOS)
    assert np.abs(reader.read("im01").astype(int) - np.asarray(first)).mean() < 4
    assert (table["sex"].isna().sum(), table["target"].sum()) == (15, 12)
    stored = pd.read_csv(out / "train.csv", dtype=str)
    assert stored.loc[:1, ["width", "height"]].to_numpy().tolist() == [["64", "80"], ["90", "60"]]
    assert set(stored["source"]) == {"siim_isic"}
    assert (out / folder).is_dir()
    assert split.tolist() == pd.read_csv(out / "splits.csv")["split"].tolist()


@pytest.mark.parametrize("fit", ["crop", "pad", "squash"])
def test_squares_have_the_size(run, options, out, fit):
    assert run("prepare", *options, f"fit={fit}")[0] == 0
    table, reader, _ = opened(out)
    assert {reader.read(name).shape for name in table["image_name"]} == {(32, 32, 3)}


def test_the_splits_are_those_of_training_on_the_originals(run, options, out, originals):
    run("prepare", *options)
    config = resolve(compose("train", [f"data.root={originals}"]), TrainConfig)
    table, _ = open_data(config.data, config.reader, None)
    table, split = choose_splits(table, config.data, config.split)
    assert pd.read_csv(out / "splits.csv")["split"].tolist() == split.tolist()


def test_no_patient_is_named_but_in_the_tables(run, options, out):
    code, stdout, err = run("prepare", *options)
    assert code == 0
    assert "PATIENT" not in stdout + err
    for path in [
        *out.glob("*.log"),
        *out.glob("audit.*"),
        *out.glob("*.json*"),
        *out.glob("jpeg/*"),
        *out.glob("leaks*"),
    ]:
        assert b"PATIENT" not in path.read_bytes(), path


@pytest.mark.parametrize(("kind", "folder"), [("jpeg", "jpeg"), ("tfrecord", "tfrecords")])
def test_a_second_run_makes_nothing_again(run, options, out, kind, folder):
    run("prepare", *options, f"format={kind}")
    before = {path: path.stat().st_mtime_ns for path in (out / folder).iterdir()}
    code, _, err = run("prepare", *options, f"format={kind}")
    assert code == 0, err
    assert "60 images are there already, 0 are to be made" in err
    assert {path: path.stat().st_mtime_ns for path in (out / folder).iterdir()} == before


def test_a_changed_original_is_made_again(run, options, out, originals):
    run("prepare", *options)
    before = {path.name: path.stat().st_mtime_ns for path in (out / "jpeg").iterdir()}
    Image.new("RGB", (90, 60), "red").save(originals / "jpeg/train/im07.jpg")
    _, _, err = run("prepare", *options)
    assert "59 images are there already, 1 are to be made" in err
    after = {path.name: path.stat().st_mtime_ns for path in (out / "jpeg").iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"im07.jpg"}
    assert opened(out)[1].read("im07")[0, 0, 0] > 240


def test_a_killed_run_goes_on_where_it_was(run, options, out, originals, tmp_path):
    for path in (originals / "jpeg/train").iterdir():  # large enough to be killed in the midst of
        Image.fromarray(cv2.resize(cv2.imread(str(path)), (2000, 1500))).save(path)
    options = [option for option in options if not option.startswith("workers")]
    command = [sys.executable, "-c", "from melanoma.cli import prepare; prepare()", *options, "workers=1"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(out.glob("jpeg/im*.jpg"))) < 5 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = {path.name: path.stat().st_mtime_ns for path in out.glob("jpeg/im*.jpg")}
    assert 5 <= len(done) < COUNT
    assert not (out / "train.csv").exists()
    (out / "jpeg/.99.partial").write_bytes(b"half")
    code, _, err = run("prepare", *options)
    assert code == 0, err
    assert f"{len(done)} images are there already" in err
    assert {name: (out / "jpeg" / name).stat().st_mtime_ns for name in done} == done
    run("prepare", *options, f"out={tmp_path / 'whole'}")
    assert contents(out / "jpeg") == contents(tmp_path / "whole/jpeg")
    for name in ("train.csv", "splits.csv", "audit.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_an_interrupted_shard_is_made_again_and_whole_ones_are_kept(run, options, out, tmp_path, monkeypatch):
    from melanoma.data.stores import shards

    monkeypatch.setattr(shards, "SHARD_IMAGES", 10)
    write = shards.write_shard

    def interrupted(path, records):
        if path.stem == "train02":
            next(iter(records))
            raise KeyboardInterrupt
        write(path, records)

    monkeypatch.setattr(shards, "write_shard", interrupted)
    assert run("prepare", *options, "format=tfrecord")[0] == 130
    done = {path.name: path.stat().st_mtime_ns for path in (out / "tfrecords").glob("*.tfrec")}
    assert sorted(done) == ["train00-10.tfrec", "train01-10.tfrec"]
    monkeypatch.setattr(shards, "write_shard", write)
    assert run("prepare", *options, "format=tfrecord")[0] == 0
    assert {name: (out / "tfrecords" / name).stat().st_mtime_ns for name in done} == done
    run("prepare", *options, "format=tfrecord", f"out={tmp_path / 'whole'}")
    assert contents(out / "tfrecords") == contents(tmp_path / "whole/tfrecords")


@pytest.mark.parametrize(
    ("change", "message"),
    [("size=40", "size=32, now 40"), ("quality=80", "quality=95, now 80"), ("format=tfrecord", "format=jpeg, now tf")],
)
def test_other_settings_are_refused(run, options, change, message):
    run("prepare", *options)
    code, _, err = run("prepare", *options, change)
    assert code == 2
    assert message in err


def test_shards_refuse_another_split(run, options):
    run("prepare", *options, "format=tfrecord")
    code, _, err = run("prepare", *options, "format=tfrecord", "split.seed=1")
    assert code == 2
    assert "was prepared with table_and_splits=" in err


def test_jpegs_take_another_split(run, options, out):
    run("prepare", *options)
    code, _, err = run("prepare", *options, "split.seed=1")
    assert code == 0
    assert "0 are to be made" in err


def test_the_originals_own_table_is_not_overwritten(run, options, originals):
    before = (originals / "train.csv").read_bytes()
    code, _, err = run("prepare", *options, f"out={originals}")
    assert code == 2
    assert "did not make" in err
    assert (originals / "train.csv").read_bytes() == before


def test_an_unreadable_image_ends_the_run_with_its_name(run, options, originals):
    (originals / "jpeg/train/im30.jpg").write_bytes(b"\xff\xd8 no more")
    code, _, err = run("prepare", *options)
    assert code == 3
    assert "image im30: is neither JPEG nor PNG" in err
    assert "data.on_error=skip" in err


@pytest.mark.parametrize("kind", ["jpeg", "tfrecord"])
def test_unreadable_and_missing_images_are_skipped_and_listed(run, options, out, originals, kind):
    (originals / "jpeg/train/im30.jpg").write_bytes(b"")
    (originals / "jpeg/train/im31.jpg").unlink()
    skip = [f"format={kind}", "data.on_error=skip", "data.max_bad_fraction=0.1"]
    for _ in range(2):
        code, _, err = run("prepare", *options, *skip)
        assert code == 0, err
    figures = json.loads((out / "audit.json").read_text())
    assert figures["missing_files"] == ["im31"]
    assert figures["unreadable"] == {"im30": "is empty (0 bytes)"}
    table, reader, _ = opened(out, f"reader={kind}")
    assert len(table) == 58
    assert not {"im30", "im31"} & set(table["image_name"])
    assert "im30: is empty" in (out / "audit.html").read_text()
    (originals / "jpeg/train/im30.jpg").write_bytes((originals / "jpeg/train/im29.jpg").read_bytes())
    assert run("prepare", *options, *skip)[0] == 0
    table, reader, _ = opened(out, f"reader={kind}")
    assert len(table) == 59
    assert reader.read("im30").shape == (32, 48, 3)


def test_too_many_unreadable_images_end_the_run(run, options, originals):
    for number in range(10):
        (originals / f"jpeg/train/im{number:02}.jpg").write_bytes(b"")
    code, _, err = run("prepare", *options, "data.on_error=skip", "data.max_bad_fraction=0.1")
    assert code == 3
    assert "7 of 60 images cannot be read" in err


def test_without_images_none_is_opened(run, options, out, originals):
    for path in (originals / "jpeg/train").iterdir():
        path.unlink()
    (originals / "jpeg/train").rmdir()
    code, stdout, err = run("prepare", *options, "images=false")
    assert code == 0, err
    assert "Without looking at a pixel" in stdout
    assert sorted(path.name for path in out.iterdir() if path.suffix in (".csv", ".html")) == [
        "audit.html", "leaks.csv", "splits.csv",
    ]  # fmt: skip
    figures = json.loads((out / "audit.json").read_text())
    assert (figures["sizes"], figures["missing_files"], figures["alike"]["within_splits"]) == (None, None, None)


def test_without_images_the_csv_may_know_their_sizes(run, options, out, originals):
    lines = (originals / "train.csv").read_text().splitlines()
    sized = [f"{HEADER},width,height", *(f"{line},6000,{4000 + row % 2}" for row, line in enumerate(lines[1:]))]
    (originals / "train.csv").write_text("\n".join(sized))
    assert run("prepare", *options, "images=false")[0] == 0
    figures = json.loads((out / "audit.json").read_text())
    assert [(size["height"], size["images"]) for size in figures["sizes"]] == [(4000, 30), (4001, 30)]
    assert figures["floor"]["dimensions"] is not None


def test_without_images_there_must_be_a_csv(run, options):
    code, _, err = run("prepare", *options, "images=false", "data.csv=null")
    assert code == 2
    assert "has no CSV" in err


def test_pictures_that_two_splits_share_are_listed(run, options, out, originals):
    run("prepare", *options, "images=false")
    split = pd.read_csv(out / "splits.csv").set_index("image_name")["split"]
    one, other = split[split == "test"].index[0], split[split == "train"].index[0]
    (originals / f"jpeg/train/{other}.jpg").write_bytes((originals / f"jpeg/train/{one}.jpg").read_bytes())
    code, _, err = run("prepare", *options)
    assert code == 0, err
    pairs = pd.read_csv(out / "leaks.csv")
    assert pairs.loc[pairs["kind"] == "bytes", ["image_name_1", "image_name_2"]].to_numpy().tolist() == [[one, other]]
    assert json.loads((out / "audit.json").read_text())["alike"]["across_splits"]["bytes"] == 1
    assert (out / "leaks.png").is_file()


def test_a_name_with_markup_is_text_in_the_page(run, options, out, originals):
    csv = originals / "train.csv"
    csv.write_text(csv.read_text().replace("im30,", "<img src=x onerror=alert(1)>,"))
    code, _, err = run("prepare", *options, "data.on_error=skip", "data.max_bad_fraction=0.1")
    assert code == 0, err
    page = (out / "audit.html").read_text()
    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_out_must_be_given(run):
    code, _, err = run("prepare")
    assert (code, err.strip()) == (2, "melanoma: out is missing; give it as out=VALUE")
