import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml

from melanoma.config import (
    CONFIG_DIR,
    CompareConfig,
    EvalConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    TrainConfig,
    TuneConfig,
    compose,
    resolve,
)
from melanoma.config.command_line import translate
from melanoma.config.explain import fault_of
from melanoma.errors import ConfigError

GROUPS = {"data": 7, "reader": 3, "model": 6, "augment": 2, "training": 1, "experiment": 6, "sweep": 5}
"""How many files each group ships at least, so that one whose files are no longer found is noticed."""

CHOICES = [
    (group, path.relative_to(CONFIG_DIR / group).with_suffix("").as_posix())
    for group in GROUPS
    for path in sorted(CONFIG_DIR.joinpath(group).rglob("*.yaml"))
]


def test_every_shipped_file_is_counted():
    assert all(sum(choice[0] == group for choice in CHOICES) >= count for group, count in GROUPS.items())
    folders = {path.parent.relative_to(CONFIG_DIR) for path in CONFIG_DIR.rglob("*.yaml")}
    others = {str(folder) for folder in folders if folder.parts[:1] not in [(group,) for group in GROUPS]}
    assert others == {".", "hydra/job_logging", "hydra/help"}


@pytest.mark.parametrize(
    ("group", "name"),
    [(group, name) for group, name in CHOICES if group != "sweep" and name.split("/")[-1] != "base"],
)
def test_every_choice_resolves(group, name):
    config = resolve(compose("train", [f"{group}={name}"]), TrainConfig)
    assert isinstance(config, TrainConfig)


@pytest.mark.parametrize(("name", "jobs"), [("study", 3), ("variants", 5)])
def test_every_job_of_a_sweep_resolves(name, jobs):
    params = yaml.safe_load((CONFIG_DIR / f"sweep/{name}.yaml").read_text())["hydra"]["sweeper"]["params"]
    overrides = [f"{key}={value}" for key, values in params.items() for value in values.split(",")]
    configs = [resolve(compose("train", [f"+sweep={name}", override]), TrainConfig) for override in overrides]
    assert len({config.model.name for config in configs}) == len(configs) == jobs


def test_every_space_is_one_of_options_that_there_are():
    from melanoma import cli  # noqa: F401  tune.study's default needs its resolver
    from melanoma.tune.space import check_space

    names = [name.removeprefix("space/") for group, name in CHOICES if group == "sweep" and "/" in name]
    assert names == ["default", "lr", "variants"]
    for name in names:
        space = resolve(compose("tune", [f"sweep/space={name}"]), TuneConfig).tune.space
        check_space(space, lambda words: resolve(compose("train", words), TrainConfig))


def test_a_study_has_every_option_of_training():
    tune, train = compose("tune", []), compose("train", [])
    assert {name: value for name, value in tune.items() if name != "tune"} == dict(train.items())


def test_the_study_s_experiments_have_its_values():
    names = ("standard", "multi_scale", "site_specific")
    configs = [resolve(compose("train", [f"experiment=study/{name}"]), TrainConfig) for name in names]
    assert [config.model.name for config in configs] == list(names)
    assert [config.training.batch_size for config in configs] == [16, 8, 16]
    for config in configs:
        training = config.training
        assert (training.lr, training.weight_decay, training.image_size) == (1e-4, 1e-5, 1024)
        # Else training ends before the schedule acts.
        assert training.plateau_patience + 1 < training.early_stopping_patience
        assert (config.model.backbone, config.data.name) == ("tf_efficientnet_b4", "siim_isic")


def test_the_command_line_has_the_last_word_over_the_study():
    overrides = ["experiment=study/multi_scale", "data=ham10000", "data.root=/x", "training.image_size=128"]
    config = resolve(compose("train", overrides), TrainConfig)
    assert (config.data.name, config.data.root, config.training.image_size) == ("ham10000", "/x", 128)
    assert (config.model.name, config.training.batch_size) == ("multi_scale", 8)


def test_a_users_own_data_set_starts_from_base(tmp_path):
    own = tmp_path / "data" / "mine.yaml"
    own.parent.mkdir()
    own.write_text("defaults: [base]\nname: mine\nroot: /x\ncsv: a.csv\ncolumns: {target: label}\nlabels: {'yes': 1}\n")
    config = resolve(compose("train", [f"hydra.searchpath=[file://{tmp_path}]", "data=mine"]), TrainConfig)
    assert (config.data.columns.target, config.data.labels["yes"], config.data.on_error) == (["label"], 1, "fail")


def test_what_a_users_own_data_set_leaves_out_is_given_on_the_command_line_or_told(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text("defaults: [base]\nname: mine\ncsv: a.csv\n")
    mine = [f"hydra.searchpath=[file://{tmp_path}]", "data=mine"]
    assert resolve(compose("train", [*mine, "data.root=/x"]), TrainConfig).data.root == "/x"
    with pytest.raises(ConfigError, match=r"^data\.root is missing; give it as data\.root=VALUE$"):
        resolve(compose("train", mine), TrainConfig)


def test_an_option_that_the_chosen_files_lack_is_not_said_to_be_unknown(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bare.yaml").write_text("name: bare\n")
    with pytest.raises(Exception, match=r"data\.root") as caught:
        compose("train", [f"hydra.searchpath=[file://{tmp_path}]", "data=bare", "data.root=/x"])
    wanted = "data.root is not in the files that were chosen; add it with +data.root=VALUE"
    assert fault_of(caught.value, TrainConfig) == wanted


def test_options_may_stand_between_values():
    words = ["checkpoint=x", "--config-dir", "a=b", "data=[mine,ham10000]", "-m", "seed=1"]
    options = ["--config-dir", "a=b", "-m"]
    assert translate(words) == [*options, "checkpoint=x", "data=mine", "+data@data.extra.ham10000=ham10000", "seed=1"]


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


@pytest.mark.parametrize("option", ["split=val", "data=ham10000", "tta=flip", "crops=5", "ensemble=ranks"])
def test_what_would_score_images_is_refused_beside_predictions(option):
    words = ["predictions=x.csv", option, *(["data.root=/y"] if "data" in option else [])]
    with pytest.raises(ConfigError, match=f"^{option.split('=')[0]} would choose .* leave it out with predictions"):
        resolve(compose("eval", words), EvalConfig)


def test_no_dataclass_has_a_default():
    def check(schema):
        hints = get_type_hints(schema)
        for field in fields(schema):
            assert field.default.__class__.__name__ == "_MISSING_TYPE", field.name
            if is_dataclass(hints[field.name]):
                check(hints[field.name])

    check(TrainConfig)
    check(EvalConfig)
    check(CompareConfig)
    check(PrepareConfig)
    check(PredictConfig)
    check(ExportConfig)
    check(TuneConfig)


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


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["split.fold=1"], "split.fold=1 needs split.folds=NUMBER"),
        (["split.folds=5"], "split.folds=5 needs split.fold: which of 0 to 4"),
        (["split.folds=5", "split.fold=7"], "split.fold=7 is not one of split.folds=5: 0 to 4"),
        (["split.folds=1", "split.fold=0"], "split.folds: must be at least 2"),
        (["split.folds=5", "split.fold=-1"], "split.fold: must be at least 0"),
        (["split.folds=5", "split.fold=0", "split.val_folds=[1]"], "take them from a column; drop one"),
        (
            ["split.folds=5", "split.fold=0", "data.splits=x.csv"],
            "split.folds=5 draws the splits, and data.splits=x.csv",
        ),
    ],
)
@pytest.mark.parametrize(("command", "schema"), [("train", TrainConfig), ("prepare", PrepareConfig)])
def test_folds_that_do_not_fit_are_refused(command, schema, options, fault):
    with pytest.raises(ConfigError, match=re.escape(fault)):
        resolve(compose(command, [*options, *(["out=x"] if command == "prepare" else [])]), schema)


def test_a_fold_of_prepared_data_leaves_their_splits_out():
    options = ["data=prepared", "data.root=/x", "data.splits=null", "split.folds=5", "split.fold=4"]
    assert resolve(compose("train", options), TrainConfig).split.fold == 4


def test_a_checkpoint_is_one_or_several():
    for given, paths in (("a", ["a"]), ("[a,b]", ["a", "b"])):
        config = resolve(compose("eval", [f"checkpoint={given}"]), EvalConfig)
        assert (config.checkpoint, config.ensemble, config.tta, config.crops) == (paths, "logits", "none", 1)


def test_predict_takes_changes_or_a_whole_data_set_and_skips_in_both():
    needed = ["checkpoint=x", "images=y", "+data.sites={knee: lower extremity}"]
    single = resolve(compose("predict", needed), PredictConfig)
    whole = resolve(compose("predict", [*needed, "data=ham10000", "reader=dicom"]), PredictConfig)
    assert (single.data.sites, single.reader) == ({"knee": "lower extremity"}, None)
    assert (whole.data.columns.image_name, whole.data.sites["knee"]) == ("image_id", "lower extremity")
    assert (single.data.on_error, whole.data.on_error, whole.reader.name) == ("skip", "skip", "dicom")
    shipped = {path.stem for path in CONFIG_DIR.joinpath("reader").iterdir()}
    assert single.readers.keys() == shipped
    assert all(name == reader.name for name, reader in single.readers.items())


def test_prepare_draws_the_splits_that_training_draws():
    prepare = resolve(compose("prepare", ["out=x"]), PrepareConfig)
    assert prepare.split == resolve(compose("train", []), TrainConfig).split
