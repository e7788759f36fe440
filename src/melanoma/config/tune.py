"""Options of `melanoma-tune`, beside those of the training it repeats."""

from dataclasses import dataclass

from melanoma.config.commands import TrainConfig
from melanoma.schema import bounds


@dataclass
class RangeConfig:
    """What one option may be: numbers from low to high, or choices."""

    option: str = bounds()
    """Its name on the command line; a group such as `model`, too."""
    low: float | None = bounds(absent=None)
    high: float | None = bounds(absent=None)
    step: float | None = bounds(absent=None, above=0)
    """Only low, low + step, low + 2 step and so on."""
    log: bool = bounds(absent=False)
    """Every factor is as likely as any other, not every difference."""
    choices: list[str] | None = bounds(absent=None)
    """What may stand behind `option=`."""
    int: bool = bounds(absent=False)
    """Whole numbers only."""

    def __post_init__(self) -> None:
        ends = (self.low, self.high)
        where = f"tune.space: {self.option}"
        if self.choices is not None:
            if not self.choices or ends != (None, None) or self.step or self.log or self.int:
                raise ValueError(f"{where} has choices; give at least one, and drop low, high, step, log and int")
            return
        if self.low is None or self.high is None or self.low >= self.high:
            raise ValueError(f"{where} needs choices, or low below high; found low {self.low} and high {self.high}")
        if self.log and (self.low <= 0 or self.step):
            raise ValueError(f"{where} has log=true, which needs low above 0 and no step")
        if self.int and any(value % 1 for value in (self.low, self.high, self.step or 1)):
            raise ValueError(f"{where} has int=true, but low, high or step is not a whole number")


@dataclass
class StudyConfig:
    """The trials, and where they are kept."""

    study: str = bounds()
    """Its name in the storage; trials are added to one that is there."""
    storage: str | None = bounds()
    """URL of a database that all machines of the study reach; null: a SQLite file in the run's directory."""
    trials: int = bounds(at_least=1)
    """How many the study is to have in all, over all machines and starts."""
    seed: int = bounds(at_least=0)
    """Of what is tried. A trial's values follow from it, its number, and what the trials before it gave."""
    random_trials: int = bounds(at_least=1)
    """The first ones, which are drawn evenly from the space; later ones by what the others gave."""
    prune: bool = bounds()
    """End a trial whose best AUC so far is below the median of the others' by the same epoch."""
    prune_after_trials: int = bounds(at_least=1)
    """Complete ones, which give the median."""
    prune_after_epochs: int = bounds(at_least=0)
    """Of each trial."""
    heartbeat_seconds: int = bounds(at_least=1)
    """A running trial is marked as alive so often; one without a mark for four times as long was killed, and is begun
    again."""
    retries: int = bounds(at_least=0)
    """How often a trial that was killed is begun again."""
    space: dict[str, RangeConfig] = bounds()
    """By any name."""

    def __post_init__(self) -> None:
        options = [entry.option for entry in self.space.values()]
        if not options:
            raise ValueError("tune.space is empty; choose one with sweep/space=NAME")
        if twice := sorted({option for option in options if options.count(option) > 1}):
            raise ValueError(f"tune.space names {', '.join(twice)} more than once")


@dataclass
class TuneConfig(TrainConfig):
    """All that `melanoma-tune` needs."""

    tune: StudyConfig = bounds()
