import os
import signal

import pytest

from melanoma.errors import PreemptedError
from melanoma.training.signals import Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_outside_of_the_loop_a_signal_ends_at_once(number):
    with pytest.raises(PreemptedError, match=f"{number.name} came"), Signals():
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_in_the_loop_it_is_a_wish(number, capfd):
    with Signals() as signals:
        with signals.postponed():
            os.kill(os.getpid(), number)
            assert signals.asked == number
        with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else PreemptedError):
            signals.raise_if(signals.asked)
    assert f"{number.name}: saving first" in capfd.readouterr().err


def test_a_second_ctrl_c_ends_at_once():
    with Signals() as signals, signals.postponed():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_the_handlers_before_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_launcher_that_listens_hears_of_it_once_all_is_saved(monkeypatch):
    heard = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
    try:
        with Signals() as signals, signals.postponed():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert heard == []
        assert heard == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)
