import pytest

from melanoma.evaluation.sections.subgroups import lead, show_subgroups
from melanoma.evaluation.subgroups import Subgroup


@pytest.fixture
def group():
    def make(value="torso", grouping="site", **changes):
        plain = {
            **{"n": 100, "positives": 20, "patients": 50, "auc": 0.8, "auc_ci_low": 0.7, "auc_ci_high": 0.9},
            **{"sensitivity": 0.9, "specificity": 0.5, "difference": -0.1, "p": 0.2, "p_holm": 0.4},
            **{"enough": True, "flagged": False, "why_missing": {}},
        }
        return Subgroup(grouping=grouping, value=value, **(plain | changes))

    return make


def test_a_table_for_each_grouping_and_a_row_for_each_group(group):
    tables = show_subgroups([group(), group("head/neck"), group("male", "sex")]).tables
    assert [(table.caption, len(table.rows)) for table in tables] == [("Site", 2), ("Sex", 1)]
    assert [cell.text for cell in tables[0].rows[0]] == [
        "torso",
        "100",
        "50",
        "20",
        "0.800",
        "0.900",
        "0.500",
        "-0.100",
    ]
    assert tables[0].rows[0][4].note == "0.700 to 0.900"


def test_what_has_no_value_has_its_reason(group):
    row = show_subgroups([group(auc=None, auc_ci_low=None, why_missing={"auc": "one class"})]).tables[0].rows[0]
    assert (row[4].text, row[4].missing, row[4].note) == ("one class", True, "")


def test_the_lead_names_real_gaps(group):
    assert lead([group(), group(enough=False)]) == (
        "No gap of AUC in the 1 group judged is more than chance explains. 1 group is too small to tell."
    )
    assert "for: site hand (-0.200)." in lead([group(), group("hand", difference=-0.2, flagged=True)])
    unable = "Unable to tell for whom the AUC differs:"
    assert lead([group(enough=False)]) == f"{unable} the one group is not large enough."
    assert lead([group(enough=False)] * 2) == f"{unable} none of the 2 groups is large enough."
    assert lead([]) == f"{unable} neither sex, age nor site is known."
