import numpy as np
import pandas as pd
import pytest

from melanoma.evaluation.gallery import Gallery
from melanoma.evaluation.sections.gallery import show_gallery
from melanoma.explain.cases import Cases

ROWS = pd.DataFrame(
    {
        "image_name": ["a", "b"],
        "patient_id": ["IP_1", "IP_1"],
        "sex": ["female", None],
        "age_approx": [55.0, None],
        "anatom_site_general_challenge": ["torso", None],
        "target": [1, 1],
        "probability": [0.0123, 0.2],
    }
)


@pytest.fixture
def section():
    def show(rows, total):
        pictures = {name: np.zeros((8, 8, 3), np.uint8) for name in rows["image_name"]}
        cases = [Cases("False negatives", rows, total), Cases("False positives", rows.head(0), 0)]
        return show_gallery(Gallery(cases, pictures, {}, []), 0.25, "probability", None)

    return show


def test_a_card_says_what_is_known_in_words(section):
    missed, alarms = section(ROWS, 9).cards
    assert (missed.caption, alarms.caption) == (
        "False negatives: 9, the 2 furthest from the threshold",
        "False positives: none",
    )
    first, second = missed.cards
    assert (first.title, first.lines[0]) == ("a", "Malignant; probability 0.0123, threshold 0.25")
    assert first.lines[1].startswith("Female, 55 years, torso; patient ")
    assert second.lines[1].startswith("Sex unknown, age unknown, site unknown; patient ")
    assert [one.alt for one in first.pictures] == ["Image a"]


def test_one_patient_has_one_name_that_is_not_the_id(section):
    first, second = (card.lines[1].rsplit(" ", 1)[1] for card in section(ROWS, 2).cards[0].cards)
    assert first == second
    assert "IP_1" not in str(section(ROWS, 2))


def test_all_that_are_shown_need_no_further_word(section):
    assert section(ROWS, 2).cards[0].caption == "False negatives: 2"
