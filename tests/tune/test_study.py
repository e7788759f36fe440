import subprocess
import sys
import textwrap
from pathlib import Path

import optuna
import pytest

from melanoma.config import StudyConfig, TuneConfig, compose, resolve
from melanoma.errors import ConfigError, DataError, PreemptedError
from melanoma.tune.study import Study


@pytest.fixture
def config():
    """Make a study's options: one number from 0 to 1, which is the AUC too."""

    def make(*overrides) -> StudyConfig:
        space = ["tune.space.lr={option: training.lr, low: 0.001, high: 1, log: false}", "tune.study=s"]
        return resolve(compose("tune", ["sweep/space=lr", *space, *overrides]), TuneConfig).tune

    return make


@pytest.fixture(autouse=True)
def resolver():
    from melanoma import cli  # noqa: F401  registers what names a study


def value(number, values, before, told):
    return float(values["training.lr"])


def states(study):
    return [row.state for row in study.rows()]


def run(config, folder, train=value, after=lambda: None):
    study = Study(config, folder, {})
    study.run(train, after)
    return study


def test_it_has_so_many_trials_in_all_over_all_starts(config, tmp_path):
    run(config("tune.trials=2"), tmp_path)
    calls = []
    study = run(config("tune.trials=5"), tmp_path, after=lambda: calls.append(1))
    assert (states(study), len(calls)) == (["complete"] * 5, 3)
    assert all(row.auc == float(row.values["training.lr"]) for row in study.rows())
    run(config("tune.trials=5"), tmp_path, after=lambda: calls.append(1))
    assert len(calls) == 3


@pytest.mark.slow
def test_a_second_start_draws_what_one_alone_would_have(config, tmp_path):
    for name in ("one", "two"):
        tmp_path.joinpath(name).mkdir()
    whole = run(config("tune.trials=6", "tune.random_trials=3"), tmp_path / "one")
    run(config("tune.trials=4", "tune.random_trials=3"), tmp_path / "two")
    parts = run(config("tune.trials=6", "tune.random_trials=3"), tmp_path / "two")
    drawn = [row.values["training.lr"] for row in whole.rows()]
    assert drawn == [row.values["training.lr"] for row in parts.rows()]
    assert len(set(drawn)) == 6


def test_a_failed_trial_is_kept_with_its_cause_and_the_study_goes_on(config, tmp_path):
    def train(number, *rest):
        if number == 1:
            raise DataError("row 3\nis odd")
        if number == 2:
            raise RuntimeError("out of memory")
        return value(number, *rest)

    study = run(config("tune.trials=4"), tmp_path, train)
    assert states(study) == ["complete", "failed", "failed", "complete"]
    assert [row.cause for row in study.rows()] == ["", "row 3 is odd", "RuntimeError: out of memory", ""]


def test_without_any_auc_the_last_failure_is_told_with_its_code(config, tmp_path):
    def train(*_):
        raise DataError("no images")

    error = run(config("tune.trials=2"), tmp_path, train).failure()
    assert (str(error), error.exit_code) == (
        "no trial of study s has been completed; the last failure: no images",
        DataError.exit_code,
    )


@pytest.mark.slow
def test_a_trial_below_the_median_is_pruned_but_not_by_its_last_epoch(config, tmp_path):
    def train(number, values, before, told):
        for epoch in (1, 2, 3):
            told(epoch, 0.5 if number in (3, 4) and not (number == 4 and epoch < 3) else 0.9, epoch == 3)
        return 0.9

    options = ("tune.trials=5", "tune.prune_after_trials=3", "tune.prune_after_epochs=1")
    study = run(config(*options), tmp_path, train)
    assert states(study) == [*["complete"] * 3, "pruned", "complete"]
    assert (study.rows()[3].auc, study.rows()[3].epochs) == (0.5, 2)
    tmp_path.joinpath("never").mkdir()
    assert states(run(config(*options, "tune.prune=false"), tmp_path / "never", train)) == ["complete"] * 5


@pytest.mark.parametrize("error", [PreemptedError, KeyboardInterrupt, SystemExit])
def test_a_wish_to_end_ends_the_study_and_puts_its_trial_back(config, tmp_path, error):
    def ended(number, *rest):
        if number == 1:
            raise error("now")
        return value(number, *rest)

    with pytest.raises(error):
        run(config("tune.trials=3"), tmp_path, ended)
    begun = []

    def train(number, values, before, told):
        begun.append((number, values, before))
        return value(number, values, before, told)

    study = run(config("tune.trials=3"), tmp_path, train)
    assert states(study) == ["complete", "killed", "complete", "complete"]
    # It has the values of the one that was ended, and is told where that one was.
    assert begun[0] == (2, study.rows()[1].values, [str(tmp_path / "trials/1")])
    assert begun[1][2] == []


KILLED = """
    import os, sys
    from pathlib import Path
    sys.path.insert(0, {here!r})
    from melanoma import cli
    from melanoma.config import TuneConfig, compose, resolve
    from melanoma.tune.study import Study
    options = {options!r}
    Study(resolve(compose("tune", options), TuneConfig).tune, Path({folder!r}), {{}}).run(
        lambda *_: os.kill(os.getpid(), 9), lambda: None
    )
"""


@pytest.mark.slow
def test_a_killed_process_s_trial_is_begun_again(config, tmp_path):
    space = "tune.space.lr={option: training.lr, low: 0.001, high: 1, log: false}"
    options = ["sweep/space=lr", space, "tune.study=s", "tune.trials=1", "tune.heartbeat_seconds=1"]
    code = textwrap.dedent(KILLED.format(here=str(Path(__file__).parent), options=options, folder=str(tmp_path)))
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    study = run(config("tune.trials=1", "tune.heartbeat_seconds=1"), tmp_path)
    assert states(study) == ["killed", "complete"]
    assert study.rows()[0].values == study.rows()[1].values


@pytest.mark.slow
def test_a_living_trial_of_another_machine_is_left_alone(config, tmp_path):
    options = config("tune.trials=2", "tune.heartbeat_seconds=1")
    other = []

    def train(number, *rest):
        if number == 0:  # meanwhile, the other machine, which finds this trial alive, does the rest
            other.append(run(options, tmp_path, train))
        return value(number, *rest)

    study = run(options, tmp_path, train)
    assert states(study) == ["complete", "complete"]
    assert len(other) == 1


@pytest.mark.parametrize(
    ("storage", "message"),
    [("sqlite:////dev/null/x.db", "unable to open"), ("nonsense", "parse"), ("oracle+none://u:secret@h/d", "plugin")],
)
def test_a_storage_that_cannot_be_opened_is_told_without_its_password(config, tmp_path, storage, message, monkeypatch):
    monkeypatch.setattr("melanoma.tune.study.time.sleep", lambda _: None)
    with pytest.raises(ConfigError, match=f"tune.storage cannot be opened: .*{message}") as caught:
        Study(config(f"tune.storage={storage}"), tmp_path, {})
    assert "secret" not in str(caught.value)


def test_any_optuna_can_read_it(config, tmp_path):
    run(config("tune.trials=2"), tmp_path)
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/study.db")
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert list(study.best_params) == ["training.lr"]
