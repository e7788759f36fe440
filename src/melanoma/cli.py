"""The console commands: compose, resolve, run, and turn errors into one line and an exit code.

torch takes seconds to import, so jobs import it only once the config has proved right.
"""

import logging
import multiprocessing
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from melanoma import __version__
from melanoma.config import (
    CONFIG_DIR,
    CompareConfig,
    EvalConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    TrainConfig,
    TuneConfig,
    resolve,
)
from melanoma.config.command_line import compose_as_typed, translate, trials_option
from melanoma.config.explain import describe, fault_of
from melanoma.errors import ConfigError, PreemptedError

Job = Callable[[Any, Path], float | None]

_log = logging.getLogger("melanoma")


class _EndedError(BaseException):
    """Carries a job's error past Hydra, which would print a second line about any `Exception`."""


def train() -> None:
    """Run `melanoma-train`."""
    _command("train", TrainConfig, _train)


def evaluate() -> None:
    """Run `melanoma-eval`."""
    _command("eval", EvalConfig, _evaluate)


def compare() -> None:
    """Run `melanoma-compare`."""
    _command("compare", CompareConfig, _compare)


def predict() -> None:
    """Run `melanoma-predict`."""
    _command("predict", PredictConfig, _predict)


def export() -> None:
    """Run `melanoma-export`."""
    _command("export", ExportConfig, _export)


def prepare() -> None:
    """Run `melanoma-prepare`."""
    _command("prepare", PrepareConfig, _prepare)


def tune() -> None:
    """Run `melanoma-tune`."""
    sys.argv[1:] = trials_option(sys.argv[1:])
    _command("tune", TuneConfig, _tune)


def _train(config: TrainConfig, run_dir: Path) -> float | None:
    from melanoma.training.run import train as run

    return run(config, run_dir)


def _evaluate(config: EvalConfig, run_dir: Path) -> float | None:
    from melanoma.evaluation.run import evaluate as run

    return run(config, run_dir)


def _compare(config: CompareConfig, run_dir: Path) -> float | None:
    from melanoma.compare.run import compare as run

    run(config, run_dir)
    return None


def _predict(config: PredictConfig, run_dir: Path) -> float | None:
    from melanoma.predict.run import predict as run

    run(config, run_dir)
    return None


def _export(config: ExportConfig, run_dir: Path) -> float | None:
    from melanoma.export.run import export as run

    run(config, run_dir)
    return None


def _prepare(config: PrepareConfig, run_dir: Path) -> float | None:
    from melanoma.data.prepare import prepare as run

    run(config)
    return None


def _tune(config: TuneConfig, run_dir: Path) -> float | None:
    from melanoma.tune.space import check_space

    words = [word for word in HydraConfig.get().overrides.task if not re.match(r"[+~]*(tune\b|sweep/space\b)", word)]
    check_space(config.tune.space, trial := partial(_trial, words))
    try:
        from melanoma.tune.run import tune as run
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise ConfigError('melanoma-tune needs Optuna: pip install "optuna>=5,<6"') from error
    return run(config, run_dir, words, trial)


def _trial(words: list[str], sampled: list[str]) -> TrainConfig:
    """Compose what `melanoma-train` would with `words`, and what is sampled in the place of what was chosen."""
    options = {override.split("=")[0] for override in sampled}
    kept = [word for word in words if word.split("=")[0] not in options]  # Hydra takes a group once only
    try:
        return resolve(compose_as_typed("train", kept + sampled), TrainConfig)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(fault_of(error, TrainConfig)) from error


def _command(name: str, schema: type[Any], job: Job) -> None:
    """Run one command; leave with its exit code where that is not 0."""
    if sys.argv[1:] == ["--version"]:
        print(f"melanoma {__version__}")
        return
    sys.argv[1:] = translate(sys.argv[1:])
    full_error = os.environ.get("HYDRA_FULL_ERROR") == "1"
    # Hydra would print a traceback and exit 1 for any error; with this set it hands the error to us.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        _hydra_main(name, schema, job)()
    except BrokenPipeError:
        # What reads the output, such as head, has seen enough; Python would complain again when it closes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        _leave("interrupted; what was saved before is intact", 130)
    except PreemptedError as preempted:
        _leave(str(preempted), preempted.exit_code)
    except (Exception, _EndedError) as caught:
        error = caught.__cause__ if isinstance(caught, _EndedError) else caught
        if full_error:
            raise
        _leave(*describe(error, name, schema))


def _hydra_main(name: str, schema: type[Any], job: Job) -> Callable[[], Any]:
    @hydra.main(config_path=str(CONFIG_DIR), config_name=name, version_base="1.3")
    def main(composed: DictConfig) -> float | None:
        sweep = HydraConfig.get().mode == RunMode.MULTIRUN
        known = [None, *multiprocessing.get_all_start_methods()]
        if multiprocessing.get_start_method(allow_none=True) not in known:
            # In joblib's processes it is one of joblib's own, which the processes that we start do not know.
            multiprocessing.set_start_method(known[1], force=True)
        try:
            if (swept := HydraConfig.get().sweeper.get("params")) and not sweep:
                raise ConfigError(f"a sweep over {' and '.join(swept)} is several jobs; add -m")
            return job(resolve(composed, schema), Path(HydraConfig.get().runtime.output_dir))
        except Exception as error:
            if not sweep:
                raise _EndedError from error
            # The other jobs go on, and Hydra tells of the first failure only.
            _log.error("job %s failed: %s", HydraConfig.get().job.num, describe(error, name, schema)[0])
            raise

    return cast(Callable[[], Any], main)


def _leave(cause: str, code: int) -> None:
    rank = os.environ.get("RANK")
    print(f"melanoma{'' if rank is None else f' (process {rank})'}: {cause}", file=sys.stderr)
    sys.exit(code)
