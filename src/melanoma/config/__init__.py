"""The config dataclasses, and `resolve`, the only door from YAML to Python.

The YAML files under `CONFIG_DIR` hold every default; the classes hold types, bounds and meaning. They are not
frozen: OmegaConf would make them read-only, and composing would fail.
"""

import secrets
from pathlib import Path
from typing import TypeVar

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from melanoma.config.commands import CompareConfig, PrepareConfig, TrainConfig
from melanoma.config.data import CodesConfig, ColumnsConfig, DataConfig, DemoConfig, ReaderConfig, SplitConfig
from melanoma.config.evaluation import ChecksConfig, EvalConfig, EvalDataConfig, ScoringConfig
from melanoma.config.export import ExportConfig
from melanoma.config.model import ModelConfig
from melanoma.config.predict import PredictConfig, PredictDataConfig
from melanoma.config.training import AugmentConfig, TrainingConfig
from melanoma.config.tune import RangeConfig, StudyConfig, TuneConfig
from melanoma.errors import ConfigError
from melanoma.schema import build

__all__ = [
    "CONFIG_DIR",
    "AugmentConfig",
    "ChecksConfig",
    "CodesConfig",
    "ColumnsConfig",
    "CompareConfig",
    "DataConfig",
    "DemoConfig",
    "EvalConfig",
    "EvalDataConfig",
    "ExportConfig",
    "ModelConfig",
    "PredictConfig",
    "PredictDataConfig",
    "PrepareConfig",
    "RangeConfig",
    "ReaderConfig",
    "ScoringConfig",
    "SplitConfig",
    "StudyConfig",
    "TrainConfig",
    "TrainingConfig",
    "TuneConfig",
    "compose",
    "resolve",
]

_PACKAGED = Path(__file__).parents[1] / "configs"
CONFIG_DIR = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[3] / "configs"
"""The YAML folder: inside the package when installed from a wheel, else the repository's."""

_RUN_ID = secrets.token_hex(3)
# Every job of a sweep shares the id: the sweep's folder is named by it, its jobs by their number. A job in a launcher's
# process finds the id in the cache that comes with its config, and the resolver here, as it imports this file.
OmegaConf.register_new_resolver("run_id", lambda: _RUN_ID, use_cache=True, replace=True)

T = TypeVar("T")


def compose(name: str, overrides: list[str]) -> DictConfig:
    """Compose a command's config without its command line.

    Raises:
        HydraException: if an override does not fit.
    """
    # Within a command Hydra is at work already, and it would begin once only.
    at_work = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            return hydra.compose(name, overrides=overrides)
    finally:
        GlobalHydra.instance().hydra = at_work


def resolve(config: DictConfig, schema: type[T]) -> T:
    """Turn a composed config into `schema`.

    Raises:
        ConfigError: listing every missing, unknown, mistyped and out-of-range value at once.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(str(error).splitlines()[0]) from error
    return build(plain, schema)
