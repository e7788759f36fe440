from melanoma.evaluation.multiplicity import holm


def test_golden_values():
    assert holm([0.01, 0.04, 0.03, 0.005]) == [0.03, 0.06, 0.06, 0.02]


def test_what_has_no_p_is_no_comparison_and_none_is_above_1():
    assert holm([0.7, None, 0.6]) == [1.0, None, 1.0]
