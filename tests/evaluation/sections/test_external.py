import pytest

from melanoma.evaluation.case_mix import CaseMix
from melanoma.evaluation.external import External, Figure
from melanoma.evaluation.known_images import Counts
from melanoma.evaluation.sections.external import lead, show_external


def figure(key, internal, external, low=-0.3, high=-0.1, comparable=True, why=None):
    drop = None if internal is None or external is None else external - internal
    ends = (None, None) if drop is None else (low, high)
    return Figure(key, internal, 0.85, 0.9, external, 0.6, 0.8, drop, *ends, comparable, why or {})


AUC = figure("auc", 0.876, 0.684)
COUNTS = Counts(171, 0, {"name": 0, "file": 0, "look": 0}, 1, 0, 0, "drop")
MIX = CaseMix(100, 90, 10, 0.1, {"female": 0.6, "unknown": 0.4}, {"torso": 1.0}, [40.0, 50.0, 60.0], 0.05)


@pytest.fixture
def external():
    def make(*figures, overlap=COUNTS, mix=(MIX, MIX), internal="scored likewise"):
        return External("siim_isic", "ham10000", overlap, internal, list(figures), list(mix))

    return make


@pytest.mark.parametrize(
    ("auc", "words"),
    [
        (AUC, "the AUC is 0.684 (0.600 to 0.800), 0.192 lower than on the model's own test patients, 0.876 (0.850 to "
              "0.900); the drop (0.100 to 0.300) is more than chance explains."),
        (figure("auc", 0.876, 0.8, -0.2, 0.1), "; chance may explain the difference (-0.200 to +0.100)."),
        (figure("auc", 0.8, 0.9, 0.05, 0.15), "0.100 higher than on the model's own test patients, 0.800 (0.850 to "
              "0.900); the gain (0.050 to 0.150) is more than chance explains."),
        (figure("auc", 0.8, 0.9, None, None), "; there are too few patients to tell whether that is more than chance."),
        (figure("auc", 0.8, None, why={"external": "not defined: every image is benign"}),
         "The drop of the AUC on siim_isic is not defined: every image is benign (external)."),
    ],
)  # fmt: skip
def test_the_lead_says_what_became_of_the_auc(external, auc, words):
    assert words in lead(external(auc))[0]


def test_the_lead_says_how_the_rates_moved(external):
    found = external(AUC, figure("recall", 0.9, 0.8), figure("specificity", 0.7, None))
    assert lead(found)[0].endswith(" At the frozen threshold sensitivity is 0.800, and was 0.900.")


def test_the_lead_is_silent_on_an_overlap_that_is_none_and_names_one_that_is(external):
    assert len(lead(external(AUC))) == 1
    known = Counts(171, 12, {"name": 0, "file": 12, "look": 0}, 1, 0, 0, "drop")
    assert lead(external(AUC, overlap=known))[1].startswith("12 of 171 images were used to train or validate the model")
    names_alone = Counts(171, 0, {"name": 0, "file": 0, "look": 0}, 1, 1, 0, "drop")
    assert "Names alone were compared" in lead(external(AUC, overlap=names_alone))[1]


def test_internal_external_and_drop_stand_side_by_side(external):
    precision = figure("precision", 0.3, 0.4, comparable=False)
    table = show_external(external(AUC, precision, figure("pauc_80", 0.14, 0.04)), None).tables[0]
    assert table.head == ["", "Internal", "External", "Drop"]
    assert [cell.text for cell in table.rows[0]] == ["AUC", "0.876", "0.684", "-0.192"]
    assert [cell.note for cell in table.rows[0]] == ["", "0.850 to 0.900", "0.600 to 0.800", "-0.300 to -0.100"]
    assert table.rows[1][0].note == "not comparable"
    assert [cell.text for cell in table.rows[2][:2]] == ["Partial AUC above 80 % sensitivity", "0.1400"]


def test_figures_are_called_not_comparable_where_one_is(external):
    def said(*figures):
        return any(note.startswith("Not comparable") for note in show_external(external(*figures), None).notes)

    assert said(AUC, figure("precision", 0.3, 0.4, comparable=False))
    assert not said(AUC, figure("precision", 0.3, 0.4))


def test_patients_stand_side_by_side_with_the_unknown_ones_last(external):
    other = CaseMix(50, 50, 5, 0.1, {"male": 1.0}, {"unknown": 1.0}, None, 1.0)
    rows = {row[0].text: row[1:] for row in show_external(external(AUC, mix=(MIX, other)), None).tables[1].rows}
    assert [cell.text for cell in rows["Melanomas"]] == ["10", "5"]
    assert [cell.text for cell in rows["Age: median"]] == ["50", "not known"]
    assert [name for name in rows if name.startswith("Sex")] == ["Sex: female", "Sex: male", "Sex: unknown"]
    assert [cell.text for cell in rows["Sex: male"]] == ["0.0 %", "100.0 %"]


def test_without_the_own_test_split_the_reason_stands_there(external):
    section = show_external(external(mix=(MIX,), internal="internal=null"), None)
    assert section.lead == "The model's own test split is not shown beside siim_isic: internal=null."
    assert [table.head for table in section.tables] == [["", "External"]]
