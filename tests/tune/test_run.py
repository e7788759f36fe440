import shlex
import sys

import pandas as pd
import pytest

from melanoma.training import run as training
from melanoma.tune import run as tuning

SPACE = ["sweep/space=lr", "tune.study=s", "training.workers=0", "tune.random_trials=2"]


@pytest.fixture
def tune(run, tiny, tmp_path):
    """Run a study of the tiny training in its folder."""

    def call(*options):
        return run("tune", *tiny, *SPACE, *options, f"hydra.run.dir={tmp_path}/study")

    return call


def trials(tmp_path):
    return pd.read_csv(tmp_path / "study/trials.csv")


def fault(err):
    [line] = [line for line in err.splitlines() if line.startswith("melanoma: ")]
    return line


def test_a_study_trains_its_trials_and_gives_the_best_one_s_command(tune, run, tmp_path):
    code, out, err = tune("--n-trials", "2")
    assert code == 0, err
    table = trials(tmp_path)
    assert table["state"].tolist() == ["complete", "complete"]
    best = table.loc[table["val/auc"].idxmax()]
    first, second, third = out.splitlines()
    assert first == f"best validation AUC {best['val/auc']:.4f} in trial {best['trial']} of study s"
    assert second == f"trials 2 complete: {tmp_path}/study/trials.md"
    assert (tmp_path / "study/tune.png").stat().st_size > 5000

    command, *words = shlex.split(third)
    assert command == "melanoma-train"
    assert f"training.lr={best['training.lr']:g}" in words
    assert not any(word.startswith(("tune", "sweep")) for word in words)
    assert run("train", *words, f"hydra.run.dir={tmp_path}/best")[0] == 0
    history = pd.read_csv(tmp_path / "best/history.csv")
    assert history["val/auc"].max() == best["val/auc"]


def test_more_trials_are_added_and_other_options_refused(tune, tmp_path):
    assert tune("tune.trials=1")[0] == 0
    assert tune("--n-trials=2")[0] == 0
    assert len(trials(tmp_path)) == 2
    code, _, err = tune("tune.trials=3", "training.epochs=2", "tune.space.lr.high=1")
    assert code == 2
    assert "training.epochs was 1 and is now 2" in fault(err)
    assert "tune.space.training.lr.high was 0.01 and is now 1.0" in fault(err)


def test_a_bad_combination_is_one_failed_trial(tune, tmp_path):
    backbones = "+tune.space.net={option: model.backbone, choices: [test_resnet, resnet5O]}"
    code, _, err = tune("--n-trials", "2", backbones)
    assert code == 0, err
    table = trials(tmp_path)
    assert set(table["state"]) == {"complete", "failed"}
    assert table.loc[table["state"] == "failed", "cause"].str.contains("did you mean resnet50").all()


def test_groups_can_be_sampled_with_options_of_theirs(tune, tmp_path):
    code, _, err = tune(
        "--n-trials=1",
        "model=standard",
        "+tune.space.model={option: model, choices: [multi_scale]}",
        "+tune.space.scales={option: model.scales, choices: [full, half]}",
    )
    assert code == 0, err
    assert "name: multi_scale" in (tmp_path / "study/trials/0/config.yaml").read_text()


def test_data_that_are_missing_fail_the_study_with_their_code(tune, tmp_path):
    code, out, err = tune("--n-trials=2", "data.splits=absent.csv")
    assert (code, out) == (3, "")
    assert "no trial of study s has been completed; the last failure" in fault(err)
    assert trials(tmp_path)["state"].tolist() == ["failed", "failed"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("tune.trials=0", "tune.trials: must be at least 1"),
        ("sweep/space=defualt", "sweep/space=defualt: no such choice; did you mean default?"),
        ("+tune.space.x={option: training.lrr, low: 1, high: 2}", "did you mean training.lr"),
        ("+tune.space.x={option: model, choices: [standrd]}", "tune.space.x: model=standrd: no such choice"),
        ("tune.space.lr.high=-1", "low below high"),
    ],
)
def test_a_wrong_space_is_told_before_the_first_trial(tune, tmp_path, option, message):
    code, _, err = tune(option)
    assert code == 2
    assert message in fault(err)
    assert not (tmp_path / "study/trials").exists()


def test_without_optuna_it_says_what_to_install(tune, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("melanoma.tune.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "optuna", None)
    code, _, err = tune()
    assert (code, fault(err)) == (2, 'melanoma: melanoma-tune needs Optuna: pip install "optuna>=5,<6"')


def test_torchrun_s_processes_would_each_draw_their_own(tune, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, _, err = tune()
    assert code == 2
    assert "start one for each GPU without torchrun" in fault(err)


def test_an_interrupted_trial_goes_on_from_its_checkpoint(tune, tmp_path, monkeypatch, caplog):
    train = training.train

    def interrupted(config, directory, after_epoch):
        def then(epoch):
            after_epoch(epoch)
            raise KeyboardInterrupt

        return train(config, directory, then)

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "train", interrupted)
        assert tune("--n-trials=1", "training.epochs=2")[0] == 130
    code, _, err = tune("--n-trials=1", "training.epochs=2")
    assert code == 0, err
    assert f"going on from {tmp_path}/study/trials/0/checkpoints/last.pt: epoch 2" in err
    assert trials(tmp_path)["state"].tolist() == ["killed", "complete"]
    assert pd.read_csv(tmp_path / "study/trials/1/history.csv")["epoch"].tolist() == [1, 2]
