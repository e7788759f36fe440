from dataclasses import dataclass

import pytest

from melanoma.errors import ConfigError
from melanoma.schema import bounds, build, near, options_of


@dataclass
class Inner:
    rate: float = bounds(above=0, at_most=1)
    words: dict[str, int] = bounds()


@dataclass
class Outer:
    seed: int = bounds(at_least=0)
    mode: str = bounds(choices=("slow", "fast"))
    names: list[str] = bounds()
    inner: Inner = bounds()
    limit: int | None = bounds()
    on: bool = bounds()


GOOD = {
    "seed": 1,
    "mode": "fast",
    "names": ["a"],
    "inner": {"rate": 1, "words": {"x": 1}},
    "limit": None,
    "on": True,
}


def test_plain_values_become_the_dataclass():
    assert build(GOOD, Outer) == Outer(1, "fast", ["a"], Inner(1.0, {"x": 1}), None, True)


def test_a_single_value_stands_for_a_list_of_one():
    assert build(GOOD | {"names": "a"}, Outer).names == ["a"]


def test_numbers_are_text_where_text_is_asked_for():
    assert build(GOOD | {"names": [7], "inner": {"rate": 1, "words": {1: 0}}}, Outer).inner.words == {"1": 0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "seed: must be at least 0, found -1"),
        ({"seed": 1.5}, "seed: expected a whole number, found 1.5"),
        ({"seed": True}, "seed: expected a whole number, found True"),
        ({"seed": "???"}, "seed is missing; give it as seed=VALUE"),
        ({"seed": None}, "seed: expected a whole number, found None"),
        ({"mode": "fats"}, "mode: found 'fats'; did you mean fast?"),
        ({"on": "perhaps"}, "on: expected true or false"),
        ({"inner": 3}, "inner: expected a group of options"),
        ({"inner": {"rate": float("nan"), "words": {}}}, "inner.rate: expected a finite number"),
        ({"inner": {"rate": float("inf"), "words": {}}}, "inner.rate: expected a finite number"),
        ({"inner": {"rate": 0, "words": {}}}, "inner.rate: must be above 0"),
        ({"inner": {"rate": "fast", "words": {}}}, "inner.rate: expected a number, found 'fast'"),
        ({"inner": {"rate": 1, "words": 2}}, "inner.words: expected a mapping"),
        ({"sede": 1}, "sede is not an option; did you mean seed?"),
    ],
)
def test_a_fault_is_named(change, message):
    with pytest.raises(ConfigError) as caught:
        build(GOOD | change, Outer)
    assert message in str(caught.value)


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        build(GOOD | {"seed": -1, "mode": "x", "inner": {"rate": 2, "words": {}, "rat": 1}}, Outer)
    assert len(str(caught.value).split("; ")) >= 4
    assert "\n" not in str(caught.value)


def test_near_lists_what_is_known_where_nothing_is_like_it():
    assert near("zzz", ["one", "two"]) == "known: one, two"


def test_options_have_dotted_names_and_types():
    options = options_of(Outer)
    assert options["inner.words"] is dict
    assert options["limit"] is int


def test_an_absent_value_can_have_a_meaning():
    @dataclass
    class Entry:
        name: str = bounds()
        step: float | None = bounds(absent=None, above=0)

    assert build({"name": "a"}, Entry) == Entry("a", None)
    with pytest.raises(ConfigError, match="name is missing"):
        build({"step": 1}, Entry)
