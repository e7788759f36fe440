import urllib.error

import pytest

from melanoma.models import hub


@pytest.mark.parametrize(
    ("error", "answers"),
    [(OSError("no route"), False), (TimeoutError(), False), (urllib.error.HTTPError("", 405, "", None, None), True)],
)
def test_a_hub_answers_also_by_refusing(monkeypatch, error, answers):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(hub.urllib.request, "urlopen", fail)
    assert hub.answers() is answers
