import hashlib
import os

import pytest

from melanoma import durable
from melanoma.durable import known_digests, replace_bytes, replace_file


class Killed(BaseException):
    pass


def good(path):
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() in known_digests(path)


def test_the_old_file_is_kept_as_the_previous_one(tmp_path):
    path, previous = tmp_path / "last.pt", tmp_path / "previous.pt"
    for data in (b"1", b"2", b"3"):
        replace_file(path, data, previous)
    assert (path.read_bytes(), previous.read_bytes()) == (b"3", b"2")
    assert good(path)
    assert good(previous)
    assert len(known_digests(path)) == len(known_digests(previous)) == 1


@pytest.mark.parametrize("step", range(14))
def test_a_kill_at_any_step_leaves_a_good_file(tmp_path, monkeypatch, step):
    path, previous = tmp_path / "last.pt", tmp_path / "previous.pt"
    replace_file(path, b"1", previous)
    replace_file(path, b"2", previous)
    calls = iter(range(100))

    def until_killed(function):
        def call(*arguments):
            if next(calls) == step:
                raise Killed
            return function(*arguments)

        return call

    for name in ("fsync", "replace"):
        monkeypatch.setattr(durable.os, name, until_killed(getattr(os, name)))
    try:
        replace_file(path, b"3", previous)
    except Killed:
        pass
    else:
        assert next(calls) <= step + 1
    monkeypatch.undo()
    # The newest good one is the old or the new one, never an older one.
    newest = path if path.is_file() else previous
    assert good(newest)
    assert newest.read_bytes() in (b"2", b"3")
    assert not previous.is_file() or good(previous)
    replace_file(path, b"4", previous)
    assert good(path)
    assert good(previous)


def test_a_file_without_a_digest_leaves_none_behind(tmp_path):
    path, previous = tmp_path / "last.pt", tmp_path / "previous.pt"
    replace_file(path, b"1", previous)
    replace_file(path, b"2", previous)
    (tmp_path / "last.pt.sha256").unlink()
    replace_file(path, b"3", previous)
    assert previous.read_bytes() == b"2"
    assert known_digests(previous) == []


@pytest.mark.parametrize("fault", ["write_bytes", "replace"])
def test_bytes_that_cannot_be_written_leave_the_old_ones_alone(tmp_path, monkeypatch, fault):
    path = tmp_path / "map.png"
    replace_bytes(path, b"1")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os if fault == "replace" else durable.Path, fault, full)
    with pytest.raises(OSError, match="No space"):
        replace_bytes(path, b"2")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("map.png", b"1")]
