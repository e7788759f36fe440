import json
import re

import pytest

from melanoma.checkpoint import load_checkpoint
from melanoma.config import EvalConfig, TrainConfig, compose, resolve
from melanoma.evaluation.model_card import TO_FILL_IN, write_model_card
from melanoma.evaluation.run import evaluate
from melanoma.page import Cell, Section, Table


@pytest.fixture
def card(trained, tmp_path):
    def write(**changes):
        checkpoint, config = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
        values = {"metrics": {"n": 0}, "verdict": [], "sections": []} | changes
        write_model_card(tmp_path / "model_card.md", checkpoint, config, **values)
        return (tmp_path / "model_card.md").read_text()

    return write


def test_it_says_what_the_checkpoint_knows_and_what_it_cannot(card, trained):
    text = card()
    summary = json.loads((trained / "summary.json").read_text())
    for title in ("Model", "Use", "Data", "Training", "Performance", "Limits", "Other information"):
        assert f"\n## {title}\n" in text
    assert f"the one with the highest validation AUC, {summary['best_epoch']}, was kept" in text
    assert "standard on test\\_resnet" in text
    assert text.count(TO_FILL_IN) >= 10


def test_it_holds_the_page_s_tables(card):
    table = Table("Sites", ["Site", "AUC"], [[Cell("torso|back"), Cell("0.9", note="0.8 to 1.0")]])
    text = card(sections=[Section("Subgroups", lead="No gap.", tables=[table])], verdict=["Good."])
    assert (
        "### Subgroups\n\nNo gap.\n\n**Sites**\n\n| Site | AUC |\n|---|---|\n| torso\\|back | 0.9 (0.8 to 1.0) |"
        in text
    )
    assert "- Good." in text


def test_an_evaluation_s_card_names_no_patient_and_no_path(trained, tmp_path, demo_root):
    evaluate(resolve(compose("eval", [f"checkpoint={trained}/checkpoints/best.pt"]), EvalConfig), tmp_path)
    text = (tmp_path / "model_card.md").read_text()
    assert not re.search(r"IP_\d", text)
    assert str(demo_root) not in text
    assert "| AUC (" in text
