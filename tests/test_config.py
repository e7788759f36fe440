from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

from melanoma.config import CONFIG_DIR, EvalConfig, PrepareConfig, TrainConfig, compose, resolve

GROUPS = {"data": 7, "reader": 3, "model": 6, "augment": 2, "training": 1, "experiment": 2}
"""How many files each group ships, so that a file nobody composes is noticed."""

CHOICES = [(group, path.stem) for group in GROUPS for path in sorted(CONFIG_DIR.joinpath(group).rglob("*.yaml"))]


def test_every_shipped_file_is_counted():
    assert {group: sum(choice[0] == group for choice in CHOICES) for group in GROUPS} == GROUPS
    others = {path.parent.name for path in CONFIG_DIR.rglob("*.yaml")} - GROUPS.keys()
    assert others == {"configs", "job_logging", "help"}


@pytest.mark.parametrize(("group", "name"), [choice for choice in CHOICES if choice[1] != "base"])
def test_every_choice_resolves(group, name):
    config = resolve(compose("train", [f"{group}={name}"]), TrainConfig)
    assert isinstance(config, TrainConfig)


def test_a_users_own_data_set_starts_from_base(tmp_path):
    own = tmp_path / "data" / "mine.yaml"
    own.parent.mkdir()
    own.write_text("defaults: [base]\nname: mine\nroot: /x\ncsv: a.csv\ncolumns: {target: label}\nlabels: {'yes': 1}\n")
    config = resolve(compose("train", [f"hydra.searchpath=[file://{tmp_path}]", "data=mine"]), TrainConfig)
    assert (config.data.columns.target, config.data.labels["yes"], config.data.on_error) == (["label"], 1, "fail")


def test_the_study_s_values_are_the_defaults():
    config = resolve(compose("train", []), TrainConfig)
    training = config.training
    assert (training.lr, training.betas, training.weight_decay) == (1e-4, [0.9, 0.999], 1e-5)
    assert (training.early_stopping_patience, training.image_size, config.model.backbone) == (
        3,
        1024,
        "tf_efficientnet_b4",
    )
    assert (config.split.test_fraction, config.split.val_fraction) == (0.1, 0.2)


def test_eval_takes_single_values_or_a_whole_data_set():
    single = resolve(compose("eval", ["checkpoint=x", "data.root=/y"]), EvalConfig)
    whole = resolve(compose("eval", ["checkpoint=x", "data=ham10000", "data.root=/y"]), EvalConfig)
    assert (single.data.root, single.data.csv) == ("/y", None)
    assert (whole.data.root, whole.data.name) == ("/y", "ham10000")


def test_no_dataclass_has_a_default():
    def check(schema):
        hints = get_type_hints(schema)
        for field in fields(schema):
            assert field.default.__class__.__name__ == "_MISSING_TYPE", field.name
            if is_dataclass(hints[field.name]):
                check(hints[field.name])

    check(TrainConfig)
    check(EvalConfig)
    check(PrepareConfig)


def test_configs_are_found_in_the_repository():
    assert Path(__file__).parents[1] / "configs" == CONFIG_DIR


def test_combined_keeps_each_data_set_s_own_words():
    data = resolve(compose("train", ["data=combined"]), TrainConfig).data
    assert (data.name, list(data.extra)) == ("siim_isic", ["isic_2019"])
    assert data.extra["isic_2019"].name_ending == "_downsampled"
    assert data.name_ending == ""


@pytest.mark.parametrize(("command", "schema"), [("train", TrainConfig), ("eval", EvalConfig)])
def test_prepared_data_bring_their_splits(command, schema):
    overrides = ["data=prepared", "data.root=/x", *(["checkpoint=y"] if command == "eval" else [])]
    assert resolve(compose(command, overrides), schema).data.splits == "/x/splits.csv"


def test_prepare_draws_the_splits_that_training_draws():
    prepare = resolve(compose("prepare", ["out=x"]), PrepareConfig)
    assert prepare.split == resolve(compose("train", []), TrainConfig).split
