import signal

import pytest

from melanoma.undisturbed import undisturbed


@pytest.mark.usefixtures("ctrl_c")
def test_a_signal_waits_for_the_end():
    ended, handler = [], signal.getsignal(signal.SIGINT)

    def work():
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert ended
    assert signal.getsignal(signal.SIGINT) is handler
