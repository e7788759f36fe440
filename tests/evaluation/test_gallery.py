import json
import re
import shutil

import cv2
import pandas as pd

from melanoma.errors import ImageError
from melanoma.evaluation.gallery import TILE
from melanoma.explain.trust import CAUTION

QUICK = ("explain_checks={draws: 1, orders: 1, steps: 2}", "explain_count=2")


def cards(html):
    return re.findall(r"<h4>([^<]+)</h4>", html)


def test_the_most_wrong_are_on_the_page_with_maps(scored, trained, tmp_path):
    metrics, predictions, html = scored(str(trained), options=("explain=grad_cam", *QUICK))
    called, is_malignant = predictions["probability"] >= metrics["threshold"], predictions["target"] == 1
    missed = predictions[is_malignant & ~called].sort_values("probability")["image_name"]
    alarms = predictions[~is_malignant & called].sort_values("probability", ascending=False)["image_name"]
    shown = cards(html)
    assert shown == [*missed[:2], *alarms[:2]] != []
    assert CAUTION in html
    assert html.count("Heat map over image") == len(shown)
    figures = json.loads((tmp_path / "eval/explanations/figures.json").read_text())
    assert set(figures["images"]) == set(shown)
    for name in shown:
        assert cv2.imread(str(tmp_path / f"eval/explanations/{name}.png")).shape == (TILE, 2 * TILE, 3)


def test_without_explain_there_are_pictures_alone(scored, trained, tmp_path):
    _, _, html = scored(str(trained), options=("explain_count=1",))
    assert cards(html)
    assert "Heat map" not in html
    assert CAUTION not in html
    assert not (tmp_path / "eval/explanations").exists()
    assert "### Gallery" not in (tmp_path / "eval/model_card.md").read_text()


def test_none_asked_for_none_shown(scored, trained):
    assert "<h2>Gallery" not in scored(str(trained), options=("explain_count=0",))[2]


def test_chosen_images_are_explained_in_any_view_and_calibration(scored, trained):
    name = pd.read_csv(trained / "splits.csv").query("split == 'test'")["image_name"].iloc[0]
    options = ("explain=grad_cam", *QUICK, "explain_count=0", f"explain_images=[{name}]", "tta=flip", "crops=5")
    html = scored(str(trained), options=(*options, "calibrate=platt"))[2]
    assert cards(html) == [name]
    assert "Whether to believe the maps" in html


def test_several_checkpoints_have_a_gallery_without_maps(scored, member):
    assert cards(scored(member("a"), member("b"), options=("explain_count=6",))[2])


def test_an_ensemble_of_ranks_calls_them_so(scored, member):
    options = ("ensemble=ranks", "threshold=0.5", "explain_count=6")
    assert "mean rank 0." in scored(member("a"), member("b"), options=options)[2]


def test_patients_are_told_apart_without_their_ids(scored, trained):
    _, predictions, html = scored(str(trained), options=("explain_count=20",))
    shown = re.findall(r"<h4>([^<]+)</h4>.*?patient ([0-9a-f]{8})</p>", html, re.DOTALL)
    patients = predictions.set_index("image_name")["patient_id"]
    assert len({patients[name] for name, _ in shown}) == len({hidden for _, hidden in shown}) < len(shown)
    assert not any(patient in html for patient in patients)


def test_odd_names_reach_page_and_files(scored, trained, demo_root, tmp_path):
    root = shutil.copytree(demo_root, tmp_path / "odd")
    csv = root / "train.csv"
    csv.write_text(csv.read_text().replace("ISIC_", "<b>&x "))
    for path in root.glob("jpeg/train/*"):
        path.rename(path.with_name(path.name.replace("ISIC_", "<b>&x ")))
    options = (f"data.root={root}", "explain=grad_cam", *QUICK)
    html = scored(str(trained), options=options)[2]
    assert "<b>" not in html
    assert "&lt;b&gt;&amp;x " in html
    files = {path.name for path in (tmp_path / "eval/explanations").glob("*.png")}
    assert files
    assert all(re.fullmatch(r"_b__x_\d+-[0-9a-f]{8}\.png", name) for name in files)


def test_a_gallery_that_cannot_be_made_does_not_cost_the_report(scored, trained, monkeypatch, caplog):
    def gone(*_):
        raise ImageError("a", "cannot be opened: gone")

    monkeypatch.setattr("melanoma.evaluation.run.make_gallery", gone)
    _, predictions, html = scored(str(trained), options=("explain_count=6",))
    assert len(predictions)
    assert "<h2>Gallery" not in html
    assert "the gallery is left out: image a: cannot be opened: gone" in caplog.text
