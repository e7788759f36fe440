import pytest

from melanoma.evaluation.floors import TOGETHER
from melanoma.evaluation.rankings import Gap, Ranking
from melanoma.evaluation.shortcut_verdict import FOUND, NOT_FOUND, POSSIBLE, UNKNOWN, judge
from melanoma.evaluation.shortcuts import Shortcuts
from melanoma.evaluation.strata import Strata
from melanoma.models.alterations import BARE_BORDER, NO_METADATA


def audit(
    bare=(0.5, 0.45, 0.55),
    floor=0.6,
    above=(0.2, 0.1, 0.3),
    strata=(),
    border=None,
    altered=True,
    model=(0.8, 0.7, 0.9),
    blind=None,
):
    """An audit whose AUC with the centre blacked out, floor, and distance from the floor to the model are given."""
    border = border or tuple(value - max(floor, 0.5) for value in bare)
    return Shortcuts(
        why_missing=None,
        why_not_altered=None if altered else "the predictions came in a file",
        enough=True,
        model=Ranking("model", None, *model),
        learnt_from="",
        floors=[
            Ranking(TOGETHER, None, floor, floor - 0.05, floor + 0.05, Gap(*above)),
            *(Ranking(name, None, 0.55, 0.5, 0.6, Gap(*above)) for name in ("age", "sex", "site")),
        ],
        parts=[Ranking(BARE_BORDER, None, *bare), *([blind] if blind else [])],
        border_above_floor=Gap(*border) if altered else None,
        strata=list(strata),
        flips=[],
    )


@pytest.mark.parametrize(
    ("bare", "floor", "answer", "words"),
    [
        (
            (0.71, 0.66, 0.76),
            0.62,
            FOUND,
            "still reaches AUC 0.710 (0.660 to 0.760), where the floor is 0.620: it reads",
        ),
        ((0.71, 0.66, 0.76), 0.48, FOUND, "where guessing gives 0.5"),
        ((0.71, 0.66, 0.76), 0.75, POSSIBLE, "not above the floor (0.750) but above guessing"),
        ((0.52, 0.47, 0.57), 0.62, NOT_FOUND, "falls to AUC 0.520 (0.470 to 0.570), where the floor is 0.620."),
        ((0.38, 0.29, 0.47), 0.62, POSSIBLE, "below guessing"),
        ((0.52, 0.40, 0.64), 0.48, UNKNOWN, "too few to tell"),
    ],
)
def test_it_is_decided_by_the_intervals(bare, floor, answer, words):
    found = judge(audit(bare, floor))
    assert (found.answer, found.flagged) == (answer, ["beside the lesion"] if answer in (FOUND, POSSIBLE) else [])
    assert words in found.words
    assert "from age, sex and site without a pixel, is 0.200 (0.100 to 0.300) below the model." in found.words


def test_a_model_below_the_floor_is_flagged_and_one_beside_it_is_left_open():
    below = judge(audit(above=(-0.1, -0.2, -0.05)))
    assert (below.answer, below.flagged) == (FOUND, ["below the floor"])
    assert below.words.count("the floor, AUC") == 1
    beside = judge(audit(above=(0.05, -0.02, 0.12)))
    assert (beside.answer, beside.flagged) == (NOT_FOUND, [])
    assert "Whether the model is above the floor" in beside.words
    assert "cannot be told (difference +0.050, interval -0.020 to +0.120)." in beside.words


def without_metadata(low, high, lost):
    return Ranking(NO_METADATA, None, (low + high) / 2, low, high, Gap(0.3, *lost))


def test_a_model_that_is_lost_without_metadata_goes_by_these_alone():
    blind = without_metadata(0.4, 0.56, (0.2, 0.4))
    found = judge(audit(above=(0.0, -0.01, 0.01), blind=blind))
    assert (found.answer, found.flagged) == (FOUND, ["metadata alone"])
    assert "of whole images without metadata the model makes AUC 0.480 (0.400 to 0.560)" in found.words
    assert judge(audit(blind=without_metadata(0.45, 0.65, (0.1, 0.3)))).flagged == []
    assert judge(audit(blind=without_metadata(0.4, 0.56, (-0.1, 0.2)))).flagged == []


def test_a_model_that_guesses_takes_no_shortcut():
    found = judge(audit(above=(-0.4, -0.5, -0.3), model=(0.47, 0.4, 0.55)))
    assert (found.answer, found.flagged) == (UNKNOWN, [])
    assert "it does not rank these images above guessing. The floor, AUC 0.600" in found.words


def within(low, enough=True):
    return Strata("source", 3, None, 0.3, 0.7, 0.6, 0.8, 0.08, low, 0.13, enough)


def test_an_auc_that_is_lower_within_sources_is_flagged_where_there_is_enough():
    found = judge(audit(strata=[within(0.03)]))
    assert (found.answer, found.flagged) == (FOUND, ["source"])
    assert "among images of one source the AUC is 0.700, 0.080 (0.030 to 0.130) less than over all" in found.words
    assert (
        judge(audit(strata=[within(-0.01)])).flagged == judge(audit(strata=[within(0.03, enough=False)])).flagged == []
    )


def test_a_file_leaves_open_what_the_model_reads():
    found = judge(audit(altered=False))
    assert (found.answer, found.flagged) == (UNKNOWN, [])
    start = "Unable to tell whether the model reads the lesion: the predictions came in a file. The floor, AUC 0.600"
    assert found.words.startswith(start)
    assert judge(audit(altered=False, strata=[within(0.03)])).flagged == ["source"]
