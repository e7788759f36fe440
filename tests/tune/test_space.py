import pytest

from melanoma.config import RangeConfig
from melanoma.errors import ConfigError
from melanoma.schema import build
from melanoma.tune.space import check_space, overrides_of, sample

LR = {"option": "training.lr", "low": 1e-5, "high": 1e-2, "log": True}


def entry(**values):
    return build(values, RangeConfig)


class Highest:
    """Draws the upper end."""

    def suggest_float(self, name, low, high, *, step, log):
        return high - (high - low) % (step or 1e-12)

    def suggest_categorical(self, name, choices):
        return choices[-1]


def test_values_are_what_the_command_line_takes():
    space = {
        "a": entry(**LR),
        "b": entry(option="model.drop_rate", low=0, high=0.35, step=0.1),
        "c": entry(option="training.epochs", low=1, high=9, int=True),
        "d": entry(option="model", choices=["standard", "multi_scale"]),
    }
    assert overrides_of(sample(Highest(), space)) == [
        "training.lr=0.01",
        "model.drop_rate=0.3",
        "training.epochs=9",
        "model=multi_scale",
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"low": 1}, "low below high; found low 1.0 and high None"),
        ({"low": 2, "high": 1}, "low below high"),
        ({"low": 0, "high": 1, "log": True}, "low above 0 and no step"),
        ({"low": 0, "high": 1.5, "int": True}, "not a whole number"),
        ({"low": 0, "high": 1, "choices": ["a"]}, "drop low, high"),
        ({"choices": []}, "give at least one"),
        ({"low": 0, "hgih": 1}, "did you mean high?"),
        ({"low": "a", "high": 1}, "expected a number"),
    ],
)
def test_an_entry_that_means_nothing_is_told(values, message):
    with pytest.raises(ConfigError, match=message):
        entry(option="seed", **values)


def test_all_names_and_ends_are_tried_before_training(tiny):
    from melanoma.config import TrainConfig, compose, resolve

    space = {
        "fine": entry(**LR),
        "high": entry(option="model.drop_rate", low=0.1, high=1.5),
        "group": entry(option="model", choices=["multi_scale", "standard"]),
        "of_a_group": entry(option="model.scales", choices=["both", "full"]),
    }

    def trial(words):
        if "model.scales" in " ".join(words) and "model=multi_scale" not in words:
            raise ConfigError("model.scales is not an option")
        return resolve(compose("train", [*tiny, *words]), TrainConfig)

    with pytest.raises(ConfigError) as caught:
        check_space(space, trial)
    assert str(caught.value) == "tune.space.high: model.drop_rate: must be below 1, found 1.5"
