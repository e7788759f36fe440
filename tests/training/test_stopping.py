from melanoma.training.stopping import EarlyStopping


def test_stops_after_patience_epochs_without_gain():
    stopping = EarlyStopping(patience=2)
    improved = [stopping.update(score) for score in (0.5, 0.6, 0.6, 0.55)]
    assert improved == [True, True, False, False]
    assert stopping.should_stop
    assert stopping.best == 0.6


def test_a_gain_starts_the_count_again():
    stopping = EarlyStopping(patience=2)
    for score in (0.5, 0.4, 0.7, 0.6):
        stopping.update(score)
    assert not stopping.should_stop


def test_a_first_score_below_zero_is_a_gain():
    assert EarlyStopping(1).update(-3.0)
