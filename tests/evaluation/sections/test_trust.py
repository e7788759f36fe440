import numpy as np
import pytest

from melanoma.evaluation.reliability import measure_reliability, plot_reliability
from melanoma.evaluation.sections.trust import lead, show_reliability


@pytest.fixture
def measured():
    rng = np.random.default_rng(0)
    probability = rng.random(300)
    return measure_reliability((rng.random(300) < probability / 2).astype(int), probability, np.arange(300) // 2)


def test_before_and_after_stand_beside_each_other(measured, tmp_path):
    plot_reliability(measured, measured, tmp_path / "plot.png")
    section = show_reliability(measured, measured, "platt", tmp_path / "plot.png")
    assert section.tables[0].head == ["", "As it came", "Calibrated"]
    slope = next(row for row in section.tables[0].rows if row[0].text == "Slope")
    assert [cell.text for cell in slope[1:]] == [f"{measured.line.slope.value:.3f}"] * 2
    assert len(section.tables[1].rows) == len(measured.bins) == 15
    assert "after calibration by platt" in section.lead


def test_alone_it_has_one_column(measured, tmp_path):
    plot_reliability(measured, None, tmp_path / "plot.png")
    assert show_reliability(measured, None, None, tmp_path / "plot.png").tables[0].head == ["", "Value"]


def test_the_lead_compares_mean_and_share(measured):
    share = f"{100 * measured.prevalence:.1f} % of the images are malignant."
    # Half of what was said is malignant.
    assert lead(measured, None) == (
        f"Probabilities are too high on the whole: the mean probability is {100 * measured.mean_probability:.1f} %, "
        f"and {share}"
    )
    assert (
        lead(measure_reliability(np.array([], dtype=int), np.array([]), np.array([])), None) == "There are no images."
    )


def test_what_chance_explains_is_not_called_off():
    rng = np.random.default_rng(0)
    probability = rng.random(300)
    right = measure_reliability((rng.random(300) < probability).astype(int), probability, np.arange(300))
    assert lead(right, "platt").startswith("The mean probability is")
    assert "after calibration by platt on validation patients" in lead(right, "platt")
