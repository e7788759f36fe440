import base64
import re

import pytest

from melanoma.evaluation.metrics import classification_metrics
from melanoma.evaluation.plots import plot_confusion
from melanoma.evaluation.report import finding, why_missing, write_report
from melanoma.page import Card, Cards, Cell, Section, Table, embed

MEASURED = classification_metrics([0] * 6 + [1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.55, 0.7, 0.8, 0.9], 0.5) | {
    "split": "test",
    "n_patients": 7,
    "auc_ci_low": 0.8371,
    "auc_ci_high": 0.9969,
    "inference_ms_per_image": 12.34,
    "model_megabytes": 71.2,
}
UNKNOWN = dict.fromkeys(["auc_ci_low", "auc_ci_high", "inference_ms_per_image", "model_megabytes"])
ONE_CLASS = classification_metrics([0, 0], [0.1, 0.2], 0.5) | {"split": "test", "n_patients": 2} | UNKNOWN
REACHED = "the model reaches AUC 0.958 (95 % interval 0.837 to 0.997)."
EMPTY = classification_metrics([], [], 0.5) | {"split": "test", "n_patients": 0} | UNKNOWN


@pytest.fixture
def png(tmp_path):
    plot_confusion([[5, 1], [0, 4]], tmp_path / "confusion.png")
    return tmp_path / "confusion.png"


@pytest.fixture
def page(tmp_path, png):
    """Write a report and return its text."""

    def write(title="Evaluation", pictures=None, facts=None, sections=(), verdict=()):
        write_report(
            tmp_path / "report.html",
            title=title,
            metrics=MEASURED,
            pictures=pictures or {"Confusion": png},
            sections=sections,
            facts=facts or {},
            verdict=verdict,
        )
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return write


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, f"On 10 images of 7 patients (4 melanomas) {REACHED}"),
        (
            {"auc_ci_low": None, "auc_ci_high": None, "n_patients": 1, "n": 12_000, "n_positive": 1},
            "On 12,000 images of 1 patient (1 melanoma) the model reaches AUC 0.958 "
            "(95 % interval not defined: there is one patient).",
        ),
        ({"n_patients": None}, f"On 10 images (4 melanomas) {REACHED}"),
        (ONE_CLASS, "On 2 images of 2 patients (no melanoma) the AUC is not defined: every image is benign."),
        (EMPTY, "There are no labelled images, so nothing was measured."),
    ],
)
def test_finding_is_one_plain_sentence(changes, sentence):
    assert finding(MEASURED | changes) == sentence


@pytest.mark.parametrize(
    ("metrics", "key", "words"),
    [
        (ONE_CLASS, "recall", "every image is benign"),
        (ONE_CLASS, "precision", "no image was called malignant"),
        (MEASURED, "auc_ci_low", "all resamples give the same value, or too few of them hold both classes"),
        (MEASURED | {"n_patients": None}, "auc_ci_low", "patients are not known"),
        (MEASURED | {"brier": None}, "brier_ci_low", "a mean rank is no probability"),
        (MEASURED | {"precision": None}, "precision_ci_high", "no image was called malignant"),
        (MEASURED, "auc_delong_low", "two images of each class, and an AUC between 0 and 1"),
        (EMPTY, "brier", "there are no images"),
        (EMPTY, "model_megabytes", "not measured"),
    ],
)
def test_the_reason_is_the_right_one(metrics, key, words):
    assert why_missing(metrics, key).endswith(words)


def test_a_section_shows_its_tables(page):
    table = Table("Sites", ["Site", "AUC"], [[Cell("torso"), Cell("0.9", sort=0.9, note="0.8 to 1.0")]], sortable=True)
    html = page(sections=[Section("Subgroups", lead="No gap.", tables=[table], notes=["By Holm."])], verdict=["Good."])
    for shown in (
        "<h2>Subgroups</h2>",
        "No gap.",
        "<caption>Sites",
        'data-sort="0.9"',
        "0.8 to 1.0",
        "By Holm.",
        "Good.",
    ):
        assert shown in html


def test_markup_in_names_is_escaped(page, png):
    attack = '"><script>alert(1)</script>'
    table = Table(attack, [attack], [[Cell(attack, sort=attack, note=attack)]])
    cards = Cards(attack, [Card(attack, [embed(attack, png, attack)], [attack])])
    section = Section(attack, attack, cards=[cards], tables=[table], notes=[attack])
    html = page(attack, {attack: png}, {attack: attack}, [section])
    assert html.count("<script") == 1  # our own
    assert html.count("&lt;script&gt;") == 19


def test_page_needs_nothing_from_outside(page, png):
    html = page()
    assert not re.search(r"https?://|@import|url\(", html)
    sources = re.findall(r'src="([^"]*)"', html)
    assert [base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in sources] == [png.read_bytes()]
    assert 'width="720" height="720" alt="Plot: Confusion.' in html


def test_a_picture_that_is_no_png_is_refused_and_the_old_page_stays(page, tmp_path):
    before = page()
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(ValueError, match=r"text\.png is not a PNG"):
        page(pictures={"Text": tmp_path / "text.png"})
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == before


def test_a_failed_write_leaves_the_old_page_and_no_litter(page, tmp_path):
    before = page()
    with pytest.raises(UnicodeEncodeError):
        page(title="\ud800")  # a lone surrogate, as an undecodable file name gives
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["confusion.png", "report.html"]
