import pytest

from melanoma.compare.paired import Pair
from melanoma.compare.results import Results, finding, notes

TWO = {"strong": 2.0, "weak": 0.3}


def judged(results, **values):
    """Results whose first pair has these values."""
    pair = Pair("strong", "weak", 0.2, 0.1, 0.3, 0.004, 0.012, {})
    return Results(results.runs, [Pair(**(vars(pair) | values))], results.baseline, results.draws)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Its lead of 0.200 over weak is more than chance explains (corrected p 0.012)."),
        ({"p_holm": 1e-9}, "more than chance explains (corrected p < 0.001)."),
        ({"p_holm": 0.06}, "Its lead of 0.200 over weak cannot be told from chance (corrected p 0.060)."),
        ({"ci_low": -0.1}, "is not certain: corrected p 0.012, but the interval of resampled patients does not"),
        ({"p_holm": None, "why_missing": {"p_holm": "not defined: it"}}, "cannot be tested: p is not defined: it."),
        ({"first": "weak", "second": "strong", "difference": -0.2}, "Its lead of 0.200 over weak"),
    ],
)
def test_the_lead_is_judged_by_test_and_interval(results, values, words):
    assert words in finding(judged(results(TWO), **values))


def test_the_finding_names_data_and_interval(results):
    made = results(TWO)
    figures = made.runs[0].figures
    assert finding(made).startswith(
        f"On 80 images of 40 patients ({figures['n_positive']} melanomas) strong has the highest AUC, "
        f"{figures['auc']:.3f} (95 % interval {figures['auc_ci_low']:.3f} to {figures['auc_ci_high']:.3f}). Its lead"
    )


def test_with_a_baseline_the_lead_is_over_it(results):
    made = results({"strong": 2.0, "middle": 1.0, "weak": 0.3}, baseline="weak")
    assert "over the baseline weak" in finding(made)
    assert "over middle" in finding(results({"strong": 2.0, "middle": 1.0, "weak": 0.3}, baseline="strong"))


def test_a_tie_and_one_class_have_no_winner(results):
    assert "one and two share the highest AUC, 0.7" in finding(results({"one": 1, "two": 1}, auc=0.7))
    none = finding(results({"one": 1, "two": 1}, target=[0] * 10))
    assert none == (
        "On 10 images of 5 patients (no melanoma) no run has an AUC: it is not defined: every image is benign."
    )


def test_notes_say_what_each_figure_takes_for_granted(results):
    text = " ".join(notes(results(TWO)))
    assert "takes every image as independent" in text
    assert "resample whole patients (100 draws" in text
    assert "for 1 comparison." in text
    assert "not comparable" not in text
    assert "not comparable" in " ".join(notes(results(TWO, reported_auc=0.9)))
