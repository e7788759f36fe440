import re

import pandas as pd
import pytest

from melanoma.data.audit import audit
from melanoma.data.audit_page import finding, remarks, write_audit

ALIKE = {
    "across_splits": {"patient": 0, "lesion": 0, "bytes": 0, "near": 2},
    "within_splits": {"train": {"bytes": 1, "near": 0}},
}


@pytest.fixture
def figures(images):
    """The audit of twelve images of two sizes, with its figures replaced as a test wants."""

    def make(**others):
        split = pd.Series(["train"] * 6 + ["val"] * 3 + ["test"] * 3)
        sizes = pd.DataFrame({"width": [100] * 8 + [60] * 4, "height": 80})
        options = {"alike": ALIKE, "missing_files": [], "unreadable": {}}
        return audit(images, split, sizes, name="set", size=64, **options) | others

    return make


def test_the_finding_says_how_far_one_gets_without_pixels(figures):
    floor = dict.fromkeys(figures()["floor"], 0.5) | {"sex_age_site": 0.666, "all": 0.829}
    assert finding(figures(floor=floor)) == (
        "12 images of 4 patients, 6 melanomas (50.0 %). Without looking at a pixel, an AUC of 0.67 is reached from "
        "sex, age and site, and 0.83 with image size and number of images too."
    )


def test_the_finding_says_why_there_is_no_floor(figures):
    assert finding(figures()).endswith("was not measured: it needs 5 patients with a melanoma, and as many without.")


def test_remarks_are_about_what_was_found(figures):
    assert len(remarks(figures())) == 2
    told = remarks(
        figures(
            floor=figures()["floor"] | {"dimensions": 0.776},
            missing_files=["a"],
            unreadable={"b": "is empty"},
        )
    )
    assert [line.split(".")[0] for line in told] == [
        "Width and height alone give an AUC of 0",
        "4 of 12 images (33",
        "2 images could not be had, and are left out of train",
        "2 pairs of images in two splits: of one lesion, or of pictures that are alike",
    ]


def test_the_page_stands_alone_and_escapes_names(figures, tmp_path):
    name = "<script>alert(1)</script>"
    write_audit(tmp_path / "audit.html", figures(unreadable={name: "is <b>"}, data=name, missing_files=[name]))
    page = (tmp_path / "audit.html").read_text()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 4
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert list(tmp_path.glob("*.partial")) == []


def test_the_page_says_what_was_not_looked_for(figures, tmp_path):
    nothing = {"across_splits": dict.fromkeys(ALIKE["across_splits"], 0), "within_splits": None}
    figures = figures(sizes=None, smaller_than_stored=None, missing_files=None, unreadable=None, alike=nothing)
    write_audit(tmp_path / "audit.html", figures)
    page = (tmp_path / "audit.html").read_text()
    assert page.count("not compared") == 2
    assert "not looked for" in page
    assert "no image was opened" in page


def test_long_lists_are_cut_short(figures, tmp_path):
    write_audit(tmp_path / "audit.html", figures(missing_files=[f"lost{row}" for row in range(40)]))
    page = (tmp_path / "audit.html").read_text()
    assert "lost29" in page
    assert "lost30" not in page
    assert "The other 10 are in audit.json." in page
