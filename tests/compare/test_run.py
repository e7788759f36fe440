import json
import shutil

import pandas as pd
import pytest
import torch

from melanoma.evaluation.intervals import bootstrap_aucs, figure_interval


@pytest.fixture
def compared(run, tmp_path):
    """Compare these runs, with further options."""

    def call(runs, *options, name="out"):
        listed = ",".join(map(str, runs))
        fast = ["device=cpu", "bootstrap_draws=100", f"hydra.run.dir={tmp_path}/{name}"]
        return run("compare", f"runs=[{listed}]", *fast, *options)

    return call


def refused(result, code):
    assert result[0] == code, result[2]
    lines = [line for line in result[2].splitlines() if line.startswith("melanoma: ")]
    assert len(lines) == 1
    assert "Traceback" not in result[2]
    return lines[0]


def test_a_comparison_leaves_what_it_promises(compared, trained, other, tmp_path):
    code, out, err = compared([trained, other])
    assert code == 0, err
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert names - {".hydra", ".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml"} == {
        *("compare.html", "compare.md", "compare.json", "compare.log", "predictions.csv"),
        *(f"plots/{name}.png" for name in ("performance", "efficiency", "progression", "overview")),
    }
    finding, head, *rows, page = out.splitlines()
    assert "the highest AUC" in finding
    assert head.split()[:2] == ["Run", "AUC"]
    assert len(rows) == 2
    assert page == f"page {tmp_path}/out/compare.html"
    content = json.loads((tmp_path / "out/compare.json").read_text())
    assert {one["name"] for one in content["runs"]} == {"standard seed=0", "standard seed=7"}
    assert content["finding"] == finding


def test_page_and_files_agree_with_the_predictions(compared, trained, other, tmp_path):
    assert compared([other, trained])[0] == 0
    table = pd.read_csv(tmp_path / "out/predictions.csv")
    content = json.loads((tmp_path / "out/compare.json").read_text())
    splits = pd.read_csv(trained / "splits.csv")
    assert set(table["image_name"]) == set(splits["image_name"][splits["split"] == "test"])
    draws = bootstrap_aucs(
        table["target"], [table["standard seed=0"], table["standard seed=7"]], table["patient_id"], 100, 0
    )
    by_name = {one["name"]: one for one in content["runs"]}
    for name, own in zip(("standard seed=0", "standard seed=7"), draws, strict=True):
        interval = [by_name[name]["auc_ci_low"], by_name[name]["auc_ci_high"]]
        assert interval == list(figure_interval(own) or [None, None])
        assert f"{by_name[name]['auc']:.3f}" in (tmp_path / "out/compare.html").read_text()
    (pair,) = content["pairs"]
    assert pair["difference"] == by_name[pair["first"]]["auc"] - by_name[pair["second"]]["auc"] >= 0


def test_the_order_of_rows_does_not_matter(compared, trained, other, demo_root, tmp_path):
    (tmp_path / "turned").mkdir()
    table = pd.read_csv(demo_root / "train.csv", dtype=str, keep_default_na=False)
    shutil.copytree(demo_root, tmp_path / "turned", dirs_exist_ok=True)
    table.iloc[::-1].to_csv(tmp_path / "turned/train.csv", index=False)
    assert compared([trained, other], name="one")[0] == 0
    assert compared([trained, other], f"data.root={tmp_path}/turned", name="two")[0] == 0
    one, two = (json.loads((tmp_path / name / "compare.json").read_text()) for name in ("one", "two"))
    assert one["pairs"] == two["pairs"]


def test_the_same_model_under_two_names_differs_by_nothing(compared, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "copy")
    code, out, _ = compared([trained, tmp_path / "copy"])
    assert code == 0
    assert "standard #1 and standard #2 share the highest AUC" in out
    (pair,) = json.loads((tmp_path / "out/compare.json").read_text())["pairs"]
    assert (pair["difference"], pair["p_holm"]) == (0, 1)


def test_runs_with_other_test_patients_are_refused(compared, trained, changed, demo_root):
    def swap(checkpoint):
        test = [name for name, split in checkpoint.splits.items() if split == "test"]
        checkpoint.splits[test[0]] = "val"

    line = refused(compared([trained, changed("swapped", swap)]), 3)
    assert "1 image and 0 patients only in standard #1, such as ISIC_" in line
    assert "split.seed" in line
    patients = pd.read_csv(demo_root / "train.csv")["patient_id"]
    assert not any(patient in line for patient in patients)


def test_runs_that_read_other_labels_are_refused(compared, trained, changed):
    def turn(checkpoint):
        checkpoint.config["data"]["labels"] = {"0": 1, "1": 0}

    assert "different labels of" in refused(compared([trained, changed("turned", turn)]), 3)


def test_another_name_for_the_same_images_is_fine(compared, trained, changed):
    code, out, err = compared([trained, changed("renamed", lambda one: one.config["data"].update(name="ours"))])
    assert code == 0, err
    assert "standard data=ours" in out


def test_an_image_that_one_run_cannot_read_is_no_match(compared, trained, changed, demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "less")
    splits = pd.read_csv(trained / "splits.csv")
    name = splits["image_name"][splits["split"] == "test"].iloc[0]
    (tmp_path / f"less/jpeg/train/{name}.jpg").write_bytes(b"broken")

    def poorer(checkpoint):
        checkpoint.config["data"].update(root=str(tmp_path / "less"), on_error="skip", max_bad_fraction=1)

    line = refused(compared([trained, changed("poorer", poorer)]), 3)
    assert f"such as {name}" in line
    assert "cannot read" in line


def test_an_unknown_baseline_lists_the_runs(compared, trained, other):
    line = refused(compared([trained, other], "baseline=standrd"), 2)
    assert "standard seed=0, standard seed=7" in line
    code, out, _ = compared([trained, other], "baseline='standard seed=7'", name="known")
    assert code == 0
    assert "baseline" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["reported.standard=2"], "reported.standard: an AUC is between 0 and 1"),
        (["data.splits=x.csv"], "data.splits: runs are compared"),
        (["bootstrap_draws=10"], "bootstrap_draws: must be at least 100"),
    ],
)
def test_options_are_checked(compared, trained, other, options, words):
    assert words in refused(compared([trained, other], *options), 2)


def test_one_run_is_no_comparison(run, trained, tmp_path):
    line = refused(run("compare", f"runs={trained}", f"hydra.run.dir={tmp_path}"), 2)
    assert "at least two" in line


def test_a_damaged_checkpoint_is_named(compared, trained, other, tmp_path):
    shutil.copytree(other, tmp_path / "cut")
    best = tmp_path / "cut/checkpoints/best.pt"
    best.write_bytes(best.read_bytes()[:1000])
    assert str(best) in refused(compared([trained, tmp_path / "cut"]), 4)


def test_the_study_s_figures_stand_beside_ours(compared, trained, other, tmp_path):
    assert compared([trained, other], "study=true")[0] == 0
    for name in ("compare.html", "compare.md"):
        text = (tmp_path / "out" / name).read_text()
        assert "0.923" in text
        assert "not comparable as such" in text


def test_one_class_among_the_test_images_ends_in_words(compared, trained, other, demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "benign")
    table = pd.read_csv(tmp_path / "benign/train.csv", dtype=str, keep_default_na=False).assign(target="0")
    table.to_csv(tmp_path / "benign/train.csv", index=False)
    code, out, err = compared([trained, other], f"data.root={tmp_path}/benign")
    assert code == 0, err
    assert "no run has an AUC: it is not defined: every image is benign" in out


def test_the_weights_differ_that_the_tests_compare(trained, other):
    one, two = (torch.load(run / "checkpoints/best.pt")["model"]["classifier.weight"] for run in (trained, other))
    assert not torch.equal(one, two)
