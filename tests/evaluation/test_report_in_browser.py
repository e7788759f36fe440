"""The page in a browser: what it says to the console and the network, and whether its tables sort."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from melanoma.evaluation.plots import plot_confusion
from melanoma.evaluation.report import write_report
from melanoma.explain.overlay import to_png
from melanoma.page import Card, Cards, Cell, Section, Table, embed_png, number

spec = importlib.util.spec_from_file_location("browser", Path(__file__).parents[1] / "browser.py")
browser = importlib.util.module_from_spec(spec)
spec.loader.exec_module(browser)

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no Chromium")

ROWS = [("torso", 0.9), ("<script>alert(1)</script>", None), ("head/neck", 0.71), ("palms/soles", 0.123)]
ORDER = "[...document.querySelectorAll('table.sortable tbody th')].map(cell => cell.textContent)"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report with a table of `ROWS`, opened."""
    folder = tmp_path_factory.mktemp("page")
    plot_confusion([[5, 1], [0, 4]], folder / "confusion.png")
    table = Table("Sites", ["Site", "AUC"], [[Cell(name), number(auc)] for name, auc in ROWS], sortable=True)
    square = embed_png("Image", to_png(np.full((224, 224, 3), 200, np.uint8)), "Image a")
    cards = [Card(name, [square, square], ["Benign; " + "long" * 30]) for name in ("a", "b" * 80, "c", "d")]
    write_report(
        folder / "report.html",
        title="Evaluation",
        metrics={"n": 0},
        pictures={"Confusion": folder / "confusion.png"},
        sections=[Section("Subgroups", tables=[table]), Section("Gallery", cards=[Cards("False positives", cards)])],
        facts={"Model": "standard"},
    )
    with browser.browse(folder / "profile") as chromium:
        chromium.open(f"file://{folder}/report.html")
        yield chromium


def test_it_is_silent_and_alone(page):
    page.evaluate("1")
    console = [event for event in page.events if event["method"] in ("Log.entryAdded", "Runtime.consoleAPICalled")]
    assert console == []
    asked = [event["params"]["request"]["url"] for event in page.events if "requestWillBeSent" in event["method"]]
    assert [url[:5] for url in asked if not url.startswith("data:")] == ["file:"]


def test_every_picture_has_a_size_and_words(page):
    images = page.evaluate("[...document.images].map(one => [one.naturalWidth, one.width, one.alt.length])")
    assert len(images) == 1 + 8
    assert all(value > 0 for image in images for value in image)


def test_it_is_not_wider_than_the_window(page):
    for width in (1400, 400):
        page.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_image_and_its_map_stand_side_by_side(page):
    script = "[...document.querySelectorAll('.card')].map(one => [...one.querySelectorAll('img')].map(" \
        "image => image.getBoundingClientRect()).map(box => [box.top, box.width]))"  # fmt: skip
    for width in (1400, 400):
        page.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        pairs = page.evaluate(script)
        assert len(pairs) == 4
        assert all(left == right and left[1] > 100 for left, right in pairs)


def test_tables_sort_by_click_and_by_keyboard_and_what_is_missing_comes_last(page):
    names = [name for name, _ in ROWS]
    page.evaluate("document.querySelectorAll('table.sortable button')[1].click()")
    assert page.evaluate(ORDER) == [names[3], names[2], names[0], names[1]]
    page.evaluate("document.querySelectorAll('table.sortable button')[1].focus()")
    page.press("Enter", 13, "\r")
    assert page.evaluate(ORDER) == [names[0], names[2], names[3], names[1]]
    page.press("Tab", 9)
    page.evaluate("document.querySelectorAll('table.sortable button')[0].focus()")
    page.press(" ", 32, " ")
    assert page.evaluate(ORDER) == sorted(names)
    assert page.evaluate("document.querySelector('th[aria-sort]').textContent") == "Site"
