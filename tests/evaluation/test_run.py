import json
import logging
import re
import shutil

import pandas as pd
import pytest

from melanoma.checkpoint import load_checkpoint, save_checkpoint
from melanoma.config import EvalConfig, TrainConfig, compose, resolve
from melanoma.errors import CheckpointError, ConfigError, DataError, SplitError
from melanoma.evaluation.operating import choose_threshold
from melanoma.evaluation.run import evaluate

KEYS = {
    *("split", "n", "n_positive", "n_patients", "auc", "auc_ci_low", "auc_ci_high", "average_precision"),
    *("accuracy", "precision", "recall", "f1", "specificity", "confusion_matrix", "threshold"),
    *("brier", "ece", "pauc_80", "specificity_at_95_sensitivity", "inference_ms_per_image", "model_megabytes"),
}


@pytest.fixture
def score(trained, tmp_path):
    def run(*overrides, name="eval"):
        quick = ["shortcuts=false", "explain_count=0"]
        words = [f"checkpoint={trained}/checkpoints/best.pt", *quick, *overrides]
        config = resolve(compose("eval", words), EvalConfig)
        evaluate(config, tmp_path / name)
        return json.loads((tmp_path / name / "metrics.json").read_text())

    return run


@pytest.fixture
def renamed(demo_root, tmp_path):
    """The same images under names that the checkpoint does not know."""
    root = shutil.copytree(demo_root, tmp_path / "renamed")
    csv = root / "train.csv"
    csv.write_text(csv.read_text().replace("ISIC_", "X_"))
    for path in root.glob("jpeg/train/*"):
        path.rename(path.with_name(path.name.replace("ISIC_", "X_")))
    return root


def test_an_evaluation_leaves_what_it_promises(score, tmp_path):
    metrics = score()
    assert set(metrics) >= KEYS
    # Of two patients, some figures do not differ from draw to draw.
    assert all("_ci_" in key for key in metrics["why_missing"])
    assert metrics["recall_ci_low"] <= metrics["recall"] <= metrics["recall_ci_high"]
    assert metrics["split"] == "test"
    names = {path.relative_to(tmp_path / "eval").as_posix() for path in (tmp_path / "eval").rglob("*.*")}
    assert names == {
        *("predictions.csv", "metrics.json", "evidence.json", "report.html", "model_card.md"),
        *(f"plots/{name}.png" for name in ("roc", "reliability", "confusion", "net_benefit", "shortcuts")),
    }


def test_test_scores_only_test_patients(score, trained, tmp_path):
    score()
    splits = pd.read_csv(trained / "splits.csv")
    scored = pd.read_csv(tmp_path / "eval/predictions.csv")
    assert set(scored["image_name"]) == set(splits["image_name"][splits["split"] == "test"])


@pytest.mark.parametrize("split", ["train", "val", "test", "all"])
def test_the_threshold_is_the_validation_split_s(score, trained, split):
    val = pd.read_csv(trained / "predictions_val.csv")
    assert score(f"split={split}")["threshold"] == choose_threshold(val["target"], val["probability"])


def test_the_confusion_matrix_adds_up(score):
    metrics = score("split=all")
    (tn, fp), (fn, tp) = metrics["confusion_matrix"]
    assert tn + fp + fn + tp == metrics["n"]
    assert tp + fn == metrics["n_positive"]
    assert metrics["accuracy"] == pytest.approx((tn + tp) / metrics["n"])


def test_the_file_that_the_splits_came_from_is_not_needed(score, trained, tmp_path):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    checkpoint.config["data"]["splits"] = "/gone/splits.csv"
    save_checkpoint(checkpoint, tmp_path / "moved.pt")
    assert score(f"checkpoint={tmp_path}/moved.pt")["n"] == score(name="again")["n"]


def test_duplicates_left_out_in_training_are_left_out_again(score, trained, tmp_path):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    test = [name for name, split in checkpoint.splits.items() if split == "test"]
    checkpoint.config["data"]["duplicates"] = "/gone/leaks.csv"
    del checkpoint.splits[test[1]]
    save_checkpoint(checkpoint, tmp_path / "less.pt")
    (tmp_path / "here.csv").write_text(f"image_name_1,image_name_2\n{test[0]},{test[1]}\n")
    with pytest.raises(DataError, match=r"data\.duplicates=/gone/leaks\.csv cannot be read"):
        score(f"checkpoint={tmp_path}/less.pt")
    metrics = score(f"checkpoint={tmp_path}/less.pt", f"data.duplicates={tmp_path}/here.csv")
    assert metrics["n"] == len(test) - 1


def test_the_training_csv_s_data_can_have_moved(score, trained, demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "moved")
    assert score(f"data.root={tmp_path}/moved")["auc"] == score(name="again")["auc"]


def test_another_data_set_is_scored_whole_with_the_same_threshold(score, other_root, tmp_path):
    external = score("data=siim_isic", f"data.root={other_root}")
    assert external["split"] == "all"
    assert external["threshold"] == score(name="own")["threshold"]
    scored = pd.read_csv(tmp_path / "eval/predictions.csv")["image_name"]
    assert set(scored) == set(pd.read_csv(other_root / "train.csv")["image_name"])
    assert (tmp_path / "eval/plots/external.png").exists()
    assert (tmp_path / "eval/overlap.csv").read_text() == "image_name,kind,known_as,split\n"


def test_the_own_images_under_another_data_set_s_name_leave_the_test_split(score, demo_root, trained, tmp_path):
    score("data=siim_isic", f"data.root={demo_root}", "split=all")
    splits = pd.read_csv(trained / "splits.csv")
    scored = pd.read_csv(tmp_path / "eval/predictions.csv")
    assert set(scored["image_name"]) == set(splits["image_name"][splits["split"] == "test"])


def test_a_split_of_unknown_images_is_refused(score, renamed):
    with pytest.raises(SplitError, match="split=all"):
        score(f"data.root={renamed}", "split=test")


def test_new_images_under_the_same_config_are_scored_whole(score, renamed):
    assert score(f"data.root={renamed}")["split"] == "all"


def test_splits_can_be_given_anew(score, trained, tmp_path):
    splits = pd.read_csv(trained / "splits.csv").assign(split="test")
    splits.to_csv(tmp_path / "all_test.csv", index=False)
    assert score(f"data.splits={tmp_path}/all_test.csv")["n"] == len(splits)
    with pytest.raises(DataError, match="split=val holds no images"):
        score(f"data.splits={tmp_path}/all_test.csv", "split=val")


def test_a_checkpoint_without_a_threshold_says_so(score, trained, tmp_path, caplog):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    checkpoint.threshold = None
    save_checkpoint(checkpoint, tmp_path / "none.pt")
    with caplog.at_level(logging.WARNING):
        assert score(f"checkpoint={tmp_path}/none.pt")["threshold"] == 0.5
    assert "no threshold" in caplog.text


def test_weights_of_another_shape_are_refused(score, trained, tmp_path):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    checkpoint.model.pop("classifier.bias")
    save_checkpoint(checkpoint, tmp_path / "odd.pt")
    with pytest.raises(CheckpointError, match="do not fit"):
        score(f"checkpoint={tmp_path}/odd.pt")


def test_a_file_of_the_same_predictions_gives_the_same_figures(score, tmp_path):
    ours = score()
    config = resolve(
        compose("eval", [f"predictions={tmp_path}/eval/predictions.csv", f"threshold={ours['threshold']!r}"]),
        EvalConfig,
    )
    evaluate(config, tmp_path / "file")
    theirs = json.loads((tmp_path / "file/metrics.json").read_text())
    same = [key for key in ours if ours[key] == theirs[key]]
    assert set(ours) - set(same) == {"split", "inference_ms_per_image", "model_megabytes", "why_missing"}
    assert not (tmp_path / "file/model_card.md").exists()


def test_the_shortcut_audit_is_on_the_page_in_the_evidence_and_on_the_card(score, tmp_path):
    score("shortcuts=true")
    evidence = json.loads((tmp_path / "eval/evidence.json").read_text())
    verdict, audit = evidence["shortcut_verdict"], evidence["shortcuts"]
    page = (tmp_path / "eval/report.html").read_text()
    assert page.count(verdict["words"]) == 2  # on the first screen, and above the section
    assert verdict["words"] in (tmp_path / "eval/model_card.md").read_text().replace("\\", "")
    titles = re.findall("<h2>(.*)</h2>", page)
    assert titles.index("Operating points") + 1 == titles.index("Shortcut audit") == titles.index("Calibration") - 1
    assert (len(audit["parts"]), len(audit["floors"]), len(audit["flips"])) == (5, 7, 10)
    assert audit["learnt_from"] == "the images that the model has learnt from"
    facts = pd.read_csv(tmp_path / "eval/predictions.csv")[["width", "height", "file_bytes"]]
    assert (facts[["width", "height"]] == 32).all(axis=None)
    assert (facts["file_bytes"] > 0).all()


def test_altered_images_can_be_left_out(score, tmp_path):
    score()
    audit = json.loads((tmp_path / "eval/evidence.json").read_text())["shortcuts"]
    assert (audit["parts"], audit["flips"], len(audit["floors"])) == ([], [], 7)
    assert audit["why_not_altered"] == "shortcuts=false leaves it out"


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic", "prior"])
def test_a_calibrated_checkpoint_gives_what_its_evaluation_gave(score, tmp_path, method):
    plain, calibrated = score(name="plain"), score(f"calibrate={method}")
    assert calibrated["threshold"] != plain["threshold"]
    assert calibrated["brier"] != plain["brier"]
    if method != "isotonic":
        assert calibrated["auc"] == plain["auc"]
    again = score(f"checkpoint={tmp_path}/eval/checkpoints/calibrated.pt", name="again")
    assert {key: again[key] for key in again if key != "inference_ms_per_image"} == {
        key: calibrated[key] for key in calibrated if key != "inference_ms_per_image"
    }
    assert "calibration by " + method in (tmp_path / "again/report.html").read_text()


def test_calibration_needs_the_validation_images(score, renamed):
    elsewhere = ["data=siim_isic", f"data.root={renamed}"]
    with pytest.raises(DataError, match="calibrate=platt needs the checkpoint's validation images"):
        score(*elsewhere, "calibrate=platt")
    assert score(*elsewhere, "calibrate=prior")["auc"] == score(*elsewhere)["auc"]


def test_several_checkpoints_are_not_calibrated_at_once(score, member):
    with pytest.raises(ConfigError, match="calibrate=platt makes one checkpoint anew, and there are 2"):
        score(f"checkpoint=[{member('a')},{member('b')}]", "calibrate=platt")


def test_what_is_not_defined_has_a_reason_instead(tmp_path):
    (tmp_path / "one.csv").write_text("image_name,target,probability\na,0,0.2\nb,0,0.7\n")
    assert evaluate(resolve(compose("eval", [f"predictions={tmp_path}/one.csv"]), EvalConfig), tmp_path / "one") is None
    metrics = json.loads((tmp_path / "one/metrics.json").read_text())
    missing = {key for key, value in metrics.items() if value is None}
    assert {"auc", "auc_ci_low", "recall", "f1", "pauc_80", "top_15_sensitivity"} <= missing
    assert set(metrics["why_missing"]) == missing
    assert metrics["why_missing"]["auc"] == "not defined: every image is benign"
    assert not re.search(r">\s*(None|nan)", (tmp_path / "one/report.html").read_text())


def test_no_header_value_or_path_reaches_the_page(score, tmp_path, demo_root):
    score()
    page = (tmp_path / "eval/report.html").read_text()
    patients = pd.read_csv(demo_root / "train.csv")["patient_id"]
    assert not any(patient in page for patient in patients)
    assert str(demo_root) not in page


def test_an_image_that_is_lost_before_it_is_altered_costs_the_altered_ones_alone(score, tmp_path, monkeypatch):
    from melanoma.evaluation import shortcuts

    whole = shortcuts.score_altered
    monkeypatch.setattr(shortcuts, "score_altered", lambda *options: whole(*options).iloc[1:])
    assert score("shortcuts=true")["n"] == 9
    audit = json.loads((tmp_path / "eval/evidence.json").read_text())["shortcuts"]
    assert audit["why_not_altered"] == "1 of 9 images could not be read a second time"
    assert audit["floors"]
