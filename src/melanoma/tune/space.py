"""The space as overrides of the command line: what may be tried, and what one trial tries."""

from collections.abc import Callable, Mapping
from typing import Protocol

from melanoma.config import RangeConfig, TrainConfig
from melanoma.errors import ConfigError

Compose = Callable[[list[str]], TrainConfig]
"""Gives the config of a trial from what is put behind the command's own options; raises ConfigError."""


class Trial(Protocol):
    """What draws a value: Optuna's trial."""

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """Draw a number."""

    def suggest_categorical(self, name: str, choices: list[str]) -> str:
        """Draw a choice."""


def sample(trial: Trial, space: Mapping[str, RangeConfig]) -> dict[str, str]:
    """Draw one value of each option, as text that fits behind `option=`."""
    return {entry.option: _draw(trial, entry) for entry in space.values()}


def overrides_of(values: Mapping[str, str]) -> list[str]:
    """Write values as the command line has them."""
    return [f"{option}={text}" for option, text in values.items()]


def check_space(space: Mapping[str, RangeConfig], compose: Compose) -> None:
    """Try both ends, or all choices, of every option alone.

    Raises:
        ConfigError: listing every option that there is not, and every end that is not allowed.
    """
    faults = [
        f"tune.space.{name}: {fault}"
        for name, entry in space.items()
        for text in _extremes(entry)
        if (fault := _fault(f"{entry.option}={text}", _groups(space, entry), compose))
    ]
    if faults:
        raise ConfigError("; ".join(dict.fromkeys(faults)))


def _draw(trial: Trial, entry: RangeConfig) -> str:
    if entry.choices is not None:
        return trial.suggest_categorical(entry.option, entry.choices)
    low, high = _ends(entry)
    step = 1.0 if entry.int and entry.step is None and not entry.log else entry.step
    return _text(trial.suggest_float(entry.option, low, high, step=step, log=entry.log), entry)


def _extremes(entry: RangeConfig) -> list[str]:
    return [_text(end, entry) for end in _ends(entry)] if entry.choices is None else entry.choices


def _ends(entry: RangeConfig) -> tuple[float, float]:
    if entry.low is None or entry.high is None:
        raise ValueError(f"{entry.option} has choices, not ends")
    return entry.low, entry.high


def _text(value: float, entry: RangeConfig) -> str:
    # Six digits: steps add up to 0.30000000000000004, and nothing depends on the seventh.
    return str(round(value)) if entry.int else f"{value:.6g}"


def _groups(space: Mapping[str, RangeConfig], entry: RangeConfig) -> list[str]:
    """Give the choices of other entries that bring options of their own: model=multi_scale."""
    others = (other for other in space.values() if other is not entry and "." not in other.option)
    return [f"{other.option}={choice}" for other in others for choice in other.choices or ()]


def _fault(override: str, groups: list[str], compose: Compose) -> str | None:
    """Say why an override fits neither the command's own options nor a choice that is sampled, too."""
    faults = []
    for context in ([], *([choice] for choice in groups)):
        try:
            compose([*context, override])
            return None
        except ConfigError as error:
            faults.append(str(error))
    return faults[0]
