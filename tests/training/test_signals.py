import os
import signal
import threading

import pytest

from melanoma.errors import PreemptedError
from melanoma.training import signals
from melanoma.training.signals import Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2])
def test_outside_of_the_loop_a_signal_ends_at_once(number):
    with pytest.raises(PreemptedError, match=f"{number.name} came"), Signals():
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT])
def test_in_the_loop_it_is_a_wish(number, capfd):
    with Signals() as taken:
        with taken.postponed():
            os.kill(os.getpid(), number)
            assert taken.asked == number
        with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else PreemptedError):
            taken.raise_if(taken.asked)
    assert f"{number.name}: saving first" in capfd.readouterr().err


def test_a_second_ctrl_c_ends_at_once():
    with Signals() as taken, taken.postponed():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_the_handlers_before_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.fixture
def launcher():
    """Stand in for submitit: pass SIGTERM over, and leave on SIGUSR2."""
    heard = []

    def leave(number, _):
        heard.append(number)
        raise SystemExit(144)

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda number, _: heard.append(number)),
        signal.SIGUSR2: signal.signal(signal.SIGUSR2, leave),
    }
    yield heard
    for number, handler in before.items():
        signal.signal(number, handler)


def saved_after(*numbers):
    """Do as the loop does when these signals come."""
    with Signals() as taken, taken.postponed():
        for number in numbers:
            os.kill(os.getpid(), number)
        taken.raise_if(taken.asked)


def test_after_sigterm_a_launcher_s_own_signal_is_waited_for(launcher, monkeypatch):
    monkeypatch.setattr(signals, "PATIENCE", 30)
    later = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGUSR2))
    later.start()
    with pytest.raises(SystemExit, match="144"):
        saved_after(signal.SIGTERM)
    assert launcher == [signal.SIGTERM, signal.SIGUSR2]


def test_a_launcher_without_one_is_not_waited_for_for_ever(launcher, monkeypatch):
    monkeypatch.setattr(signals, "PATIENCE", 0.01)
    with pytest.raises(PreemptedError):
        saved_after(signal.SIGTERM)
    assert launcher == [signal.SIGTERM]


@pytest.mark.parametrize("numbers", [(signal.SIGTERM, signal.SIGUSR2), (signal.SIGUSR2, signal.SIGTERM)])
def test_of_two_signals_the_launcher_hears_its_own(launcher, numbers):
    with pytest.raises(SystemExit, match="144"):
        saved_after(*numbers)
    assert launcher == [signal.SIGUSR2]


def test_a_launcher_that_listens_hears_of_it_once_all_is_saved(monkeypatch):
    heard = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
    try:
        with Signals() as taken, taken.postponed():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert heard == []
        assert heard == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)
