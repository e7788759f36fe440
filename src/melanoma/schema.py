"""Plain values into dataclasses: types, bounds and spelling are checked, and all faults are told together."""

import difflib
import math
from collections.abc import Iterable
from dataclasses import Field, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from melanoma.errors import ConfigError

MISSING = "???"
"""What OmegaConf writes for a value that the user has to give."""

T = TypeVar("T")

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


class _FaultError(Exception):
    """One value is not what its field allows."""


def bounds(**limits: Any) -> Any:
    """Declare what a field may hold: `above`, `at_least`, `below`, `at_most`, `length`, `choices`, or as follows.

    `words` maps words that may stand in a value's place to what they stand for; `pick` is a function from the field's
    plain values to the dataclass that they fill; `by_name` maps their `name` to it. `absent` is what a value that is
    not given means, for entries that no YAML file can give defaults to.
    """
    return field(metadata=limits)


def build(values: Any, schema: type[T]) -> T:
    """Make a `schema` from nested plain values.

    Raises:
        ConfigError: listing every missing, unknown, mistyped and out-of-range value at once.
    """
    faults: list[str] = []
    result = _build(values, schema, "", faults)
    if faults:
        raise ConfigError("; ".join(faults))
    return cast(T, result)


def near(word: str, known: Iterable[str], listed: Iterable[str] | None = None) -> str:
    """Say which known words are like `word`; where none is, list `listed`, or all that are known."""
    known = sorted(known)
    likely = difflib.get_close_matches(word, known, n=2, cutoff=0.7)
    if likely:
        return "did you mean " + " or ".join(likely) + "?"
    words = sorted(known if listed is None else listed)
    return "known: " + ", ".join(words[:20]) + (", ..." if len(words) > 20 else "")


def options_of(schema: type, prefix: str = "") -> dict[str, Any]:
    """Map the dotted name of every option under `schema` to its type, without type arguments."""
    options: dict[str, Any] = {}
    by_name = {entry.name: entry.metadata.get("by_name", {}) for entry in fields(schema)}
    for name, hint in get_type_hints(schema).items():
        inner = _without_none(hint)
        options[prefix + name] = get_origin(inner) or inner
        for choice in [inner, *by_name.get(name, {}).values()]:
            if is_dataclass(choice) and isinstance(choice, type):
                options |= options_of(choice, f"{prefix}{name}.")
    return options


def _build(values: Any, schema: type[Any], prefix: str, faults: list[str]) -> Any:
    hints = get_type_hints(schema)
    found: dict[str, Any] = {}
    for key in values.keys() - hints.keys():
        faults.append(f"{prefix}{key} is not an option; {near(key, hints)}")
    for entry in fields(schema):
        name = prefix + entry.name
        value = values.get(entry.name, entry.metadata.get("absent", MISSING))
        if value == MISSING:
            faults.append(f"{name} is missing; give it as {name}=VALUE")
            continue
        try:
            found[entry.name] = _value(value, hints[entry.name], entry, name, faults)
        except _FaultError as fault:
            faults.append(f"{name}: {fault}")
    try:
        return None if faults else schema(**found)
    except ValueError as fault:  # of a rule between fields, in __post_init__
        faults.append(str(fault))
        return None


def _value(value: Any, hint: Any, entry: Field[Any], name: str, faults: list[str]) -> Any:
    if value is None and NoneType in get_args(hint):
        return None
    inner = _without_none(hint)
    if "pick" in entry.metadata:
        inner = entry.metadata["pick"](value)
    if "by_name" in entry.metadata and isinstance(value, dict):
        inner = _named(value.get("name"), entry.metadata["by_name"])
    if is_dataclass(inner) and isinstance(inner, type):
        if not isinstance(value, dict):
            raise _FaultError(f"expected a group of options, found {value!r}")
        return _build(value, inner, f"{name}.", faults)
    if get_origin(inner) is dict and is_dataclass(schema := get_args(inner)[1]) and isinstance(value, dict):
        return {str(key): _build(item, cast(type, schema), f"{name}.{key}.", faults) for key, item in value.items()}
    if value in entry.metadata.get("words", ()):
        return entry.metadata["words"][value]
    converted = _convert(value, inner)
    _check(converted, entry.metadata)
    return converted


def _named(name: Any, known: dict[str, type[Any]]) -> type[Any]:
    if name not in known:
        raise _FaultError(f"no choice has the name {name!r}; {near(str(name), known)}")
    return known[name]


def _convert(value: Any, hint: Any) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is list:
        return [_convert(item, args[0]) for item in (value if isinstance(value, list) else [value])]
    if origin is dict:
        if not isinstance(value, dict):
            raise _FaultError(f"expected a mapping such as {{a: b}}, found {value!r}")
        return {str(key): _convert(item, args[1]) for key, item in value.items()}
    # A bool is an int to Python, but lr=true is a slip of the pen.
    if type(value) is hint or (hint is float and type(value) is int):
        return hint(value)
    if hint is str and isinstance(value, int | float):
        return str(value)
    raise _FaultError(f"expected {_WORDS[hint]}, found {value!r}")


def _check(value: Any, limits: Any) -> None:
    items = value if isinstance(value, list) else [value]
    if "length" in limits and len(items) != limits["length"]:
        raise _FaultError(f"expected {limits['length']} values, found {len(items)}")
    for item in items:
        if isinstance(item, float) and not math.isfinite(item):
            raise _FaultError(f"expected a finite number, found {item}")
        if "choices" in limits and item not in limits["choices"]:
            raise _FaultError(f"found {item!r}; {near(str(item), map(str, limits['choices']))}")
        if wrong := _out_of_range(item, limits):
            raise _FaultError(f"must be {wrong}, found {item}")


def _out_of_range(item: Any, limits: Any) -> str | None:
    if "above" in limits and item <= limits["above"]:
        return f"above {limits['above']}"
    if "at_least" in limits and item < limits["at_least"]:
        return f"at least {limits['at_least']}"
    if "below" in limits and item >= limits["below"]:
        return f"below {limits['below']}"
    if "at_most" in limits and item > limits["at_most"]:
        return f"at most {limits['at_most']}"
    return None


def _without_none(hint: Any) -> Any:
    if get_origin(hint) is not UnionType:
        return hint
    return next(option for option in get_args(hint) if option is not NoneType)
