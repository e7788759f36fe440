"""Short names that tell runs apart."""

from collections import Counter
from pathlib import Path
from typing import Any

_HOUSEKEEPING = ("device", "cache", "training.workers")
"""Options that change where and how fast a run goes, but not what it is."""


def label_runs(configs: list[dict[str, Any]]) -> list[str]:
    """Name each run by its model; where runs share one, by the options that differ too, and at last by a number."""
    flat = [_flatten(config) for config in configs]
    labels = []
    for config in flat:
        family = [other for other in flat if other["model.name"] == config["model.name"]]
        labels.append(" ".join([str(config["model.name"]), *_differences(config, family)]))
    return _numbered(labels)


def _differences(config: dict[str, Any], family: list[dict[str, Any]]) -> list[str]:
    """Give option=value for each option that the family does not agree on, in the config's order."""
    options = dict.fromkeys(option for one in family for option in one if option not in _HOUSEKEEPING)
    differing = [option for option in options if any(one.get(option) != config.get(option) for one in family)]
    last_words = Counter(option.rpartition(".")[2] for option in options)
    shown = []
    for option in differing:
        word = option.rpartition(".")[2]
        shown.append(f"{word if last_words[word] == 1 else option}={_text(option, config.get(option))}")
    return shown


def _flatten(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Map dotted options to values; of the data, only which sets they are."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if prefix == "" and key == "data":
            flat[key] = "+".join([value["name"], *value["extra"]])
        elif isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _text(option: str, value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if option == "model.weights":
        value = Path(value).name  # a name goes on the page; the folders above it tell whose machine it was
    return " ".join(str(value).split())


def _numbered(labels: list[str]) -> list[str]:
    times, seen = Counter(labels), Counter[str]()
    numbered = []
    for label in labels:
        seen[label] += 1
        numbered.append(label if times[label] == 1 else f"{label} #{seen[label]}")
    return numbered
