import json

import pytest

from melanoma.data.stores.ledger import Entry, Ledger, claim
from melanoma.errors import ConfigError


@pytest.fixture
def ledger(tmp_path):
    """A ledger of one file with two images and one with one, which are there."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store/two").write_bytes(b"12345")
    (tmp_path / "store/one").write_bytes(b"123")
    Ledger(tmp_path, "store").add(
        [
            Entry("a", (10, 1), 600, 400, "two", 5),
            Entry("b", (20, 2), 600, 400, "two", 5),
            Entry("c", (30, 3), 600, 400, "one", 3),
        ]
    )
    return Ledger(tmp_path, "store")


def test_entries_are_read_again(ledger):
    assert ledger.entries["b"] == Entry("b", (20, 2), 600, 400, "two", 5)
    ledger.forget_changed({"a": (10, 1), "b": (20, 2), "c": (30, 3)})
    assert list(ledger.entries) == ["a", "b", "c"]


@pytest.mark.parametrize("stamp", [(10, 9), None])
def test_a_changed_original_takes_its_file_along(ledger, stamp):
    ledger.forget_changed({"a": stamp})
    assert list(ledger.entries) == ["c"]
    assert not (ledger.folder / "two").exists()
    assert (ledger.folder / "one").exists()


def test_a_file_that_is_not_whole_is_made_again(ledger):
    (ledger.folder / "one").write_bytes(b"1")
    ledger.forget_changed({})
    assert list(ledger.entries) == ["a", "b"]
    assert not (ledger.folder / "one").exists()


def test_a_torn_last_line_is_dropped_and_swallows_no_other(tmp_path, ledger):
    path = tmp_path / "prepared.jsonl"
    path.write_bytes(path.read_bytes()[:-4])
    torn = Ledger(tmp_path, "store")
    assert list(torn.entries) == ["a", "b"]
    torn.add([Entry("d", (1, 1), 1, 1, "two", 5)])
    assert list(Ledger(tmp_path, "store").entries) == ["a", "b", "d"]


def test_the_last_line_of_an_image_counts(tmp_path, ledger):
    ledger.add([Entry("c", (31, 4), 600, 400, "one", 3)])
    assert Ledger(tmp_path, "store").entries["c"].stamp == (31, 4)


def test_a_line_cannot_delete_outside_its_folder(tmp_path, ledger):
    (tmp_path / "kept").write_text("")
    ledger.add([Entry("e", (1, 1), 1, 1, "../kept", 99)])
    Ledger(tmp_path, "store").forget_changed({})
    assert (tmp_path / "kept").exists()


def test_the_same_settings_may_come_back(tmp_path):
    for settings in ({"data": "a"}, {"data": "a", "size": 64}, {"data": "a"}):
        with claim(tmp_path / "out", settings):
            pass
    assert json.loads((tmp_path / "out/prepare.json").read_text()) == {"data": "a", "size": 64}


def test_other_settings_are_refused_all_at_once(tmp_path):
    with claim(tmp_path, {"size": 64, "fit": "pad", "quality": 95}):
        pass
    with (
        pytest.raises(ConfigError, match=r"prepared with size=64, now 32 and fit=pad, now crop; use the same"),
        claim(tmp_path, {"size": 32, "fit": "crop", "quality": 95}),
    ):
        pass


@pytest.mark.parametrize("name", ["train.csv", "splits.csv", "jpeg", "tfrecords"])
def test_a_folder_with_other_data_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match=f"holds a {name} that melanoma-prepare did not make"), claim(tmp_path, {}):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_damaged_settings_are_refused(tmp_path, text):
    (tmp_path / "prepare.json").write_text(text)
    with pytest.raises(ConfigError, match=r"prepare\.json is damaged"), claim(tmp_path, {}):
        pass


def test_a_second_run_is_refused_while_the_first_lasts(tmp_path):
    with (
        claim(tmp_path, {}),
        pytest.raises(ConfigError, match="in use by another melanoma-prepare"),
        claim(tmp_path, {}),
    ):
        pass
    with claim(tmp_path, {}):
        pass
