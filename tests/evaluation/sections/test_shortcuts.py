import numpy as np
import pandas as pd
import pytest

from melanoma.evaluation.floors import floor_scores
from melanoma.evaluation.sections.shortcuts import show_shortcuts
from melanoma.evaluation.shortcut_picture import plot_shortcuts
from melanoma.evaluation.shortcut_verdict import judge
from melanoma.evaluation.shortcuts import find_shortcuts
from melanoma.models.alterations import ALTERATIONS


@pytest.fixture
def shown(tmp_path):
    def run(altered):
        rng, n = np.random.default_rng(0), 80
        names = [f"i{row}" for row in range(n)]
        table = pd.DataFrame({"image_name": names, "patient_id": names, "target": [0, 0, 0, 1] * 20})
        table["probability"] = np.clip(0.3 * table["target"] + rng.random(n) * 0.7, 0, 1)
        table["width"], table["height"] = [600.0, 600, 800, 800, 800] * 16, 600.0
        scores = pd.DataFrame(dict.fromkeys(ALTERATIONS, table["probability"])) if altered else None
        why = None if altered else "no model"
        audit = find_shortcuts(table, floor_scores(table), scores, why, 0.5, 100, 0)
        plot_shortcuts(audit, tmp_path / "plot.png")
        return show_shortcuts(audit, judge(audit), tmp_path / "plot.png"), judge(audit)

    return run


def test_a_table_each_for_parts_floor_sizes_and_calls(shown):
    section, verdict = shown(altered=True)
    assert section.lead == verdict.words
    assert [one.caption for one in section.tables] == [
        *("Altered images", "Without a pixel", "Within one image size", "Calls that change"),
    ]
    parts, floors, sizes, calls = section.tables
    assert [len(one.rows) for one in section.tables] == [5, 7, 3, 10]
    assert parts.rows[1][2].text == "+0.000"
    assert [cell.text for cell in floors.rows[4]] == ["Age", "not known", ""]
    assert sizes.rows[0][0].note.endswith("% of all pairs, in 2 groups")
    assert sizes.rows[1][0].text == "800 x 600"
    assert calls.rows[0][1].text == "0.0 %"
    assert {len(row) for table in section.tables for row in table.rows if len(row) != len(table.head)} == set()
    assert "Within one source: not known." in section.notes


def test_with_one_class_it_does_not_explain_what_is_not_there(tmp_path):
    table = pd.DataFrame({"image_name": ["a", "b"], "patient_id": ["a", "b"], "target": 1, "probability": [0.1, 0.9]})
    audit = find_shortcuts(table, floor_scores(table), None, "no model", 0.5, 100, 0)
    plot_shortcuts(audit, tmp_path / "plot.png")
    notes = " ".join(show_shortcuts(audit, judge(audit), tmp_path / "plot.png").notes)
    assert "naive Bayes" not in notes
    assert "pairs of a malignant" not in notes


def test_without_a_model_it_says_so(shown):
    section, _ = shown(altered=False)
    assert [one.caption for one in section.tables] == ["Without a pixel", "Within one image size"]
    assert section.notes[0] == "No altered image was scored: no model."
