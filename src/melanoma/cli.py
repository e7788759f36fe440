"""The console commands: compose, resolve, run, and turn errors into one line and an exit code.

torch takes seconds to import, so jobs import it only once the config has proved right.
"""

import atexit
import errno
import logging
import multiprocessing
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from melanoma import __version__
from melanoma.config import (
    CONFIG_DIR,
    CompareConfig,
    EvalConfig,
    PrepareConfig,
    TrainConfig,
    TuneConfig,
    compose,
    resolve,
)
from melanoma.errors import ConfigError, MelanomaError, PreemptedError
from melanoma.schema import near, options_of

Job = Callable[[Any, Path], float | None]

_log = logging.getLogger("melanoma")
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_RUN_ID = secrets.token_hex(3)
# Every job of a sweep shares the id: the sweep's folder is named by it, its jobs by their number. A job in a launcher's
# process finds the id in the cache that comes with its config, and the resolver here, as it imports this file.
OmegaConf.register_new_resolver("run_id", lambda: _RUN_ID, use_cache=True, replace=True)


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


def _prepare(config: PrepareConfig, run_dir: Path) -> float | None:
    from melanoma.data.prepare import prepare as run

    run(config)
    return None


def _tune(config: TuneConfig, run_dir: Path) -> float | None:
    from melanoma.tune.space import check_space

    words = [word for word in HydraConfig.get().overrides.task if not re.match(r"[+~]*(tune\b|sweep/space\b)", word)]

    def trial(overrides: list[str]) -> TrainConfig:
        options = {override.split("=")[0] for override in overrides}
        # Hydra takes a group once only, so what is sampled replaces what was chosen.
        kept = [word for word in words if word.split("=")[0] not in options]
        try:
            return resolve(_compose("train", kept + overrides), TrainConfig)
        except (HydraException, OmegaConfBaseException) as error:
            raise ConfigError(_fault(error, TrainConfig)) from error

    check_space(config.tune.space, trial)
    try:
        from melanoma.tune.run import tune as run
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise ConfigError('melanoma-tune needs Optuna: pip install "optuna>=5,<6"') from error
    return run(config, run_dir, words, trial)


def _command(name: str, schema: type[Any], job: Job) -> None:
    """Run one command; leave with its exit code where that is not 0."""
    if sys.argv[1:] == ["--version"]:
        print(f"melanoma {__version__}")
        return
    sys.argv[1:] = [part for word in sys.argv[1:] for part in separate_data_sets(word)] + _rank_options()
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
        _leave(*_describe(error, name, schema))


def _rank_options() -> list[str]:
    """Give what keeps the second and further processes of torchrun from writing folders and logs of their own."""
    if os.environ.get("RANK", "0") == "0":
        return []
    folder = tempfile.mkdtemp(prefix="melanoma_rank_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    quiet = ["hydra.output_subdir=null", "hydra/job_logging=warnings"]
    return [f"hydra.run.dir={folder}", f"hydra.sweep.dir={folder}", *quiet]


def separate_data_sets(word: str) -> list[str]:
    """Turn data=[a,b] into data=a with b below data.extra; Hydra alone would lay one over the other."""
    if not (names := re.fullmatch(r"data=\[([\w, ]+)\]", word)):
        return [word]
    first, *others = re.split(r"[, ]+", names[1].strip())
    return [f"data={first}", *(f"+data@data.extra.{name}={name}" for name in others)]


def trials_option(words: list[str]) -> list[str]:
    """Turn --n-trials N, or --n-trials=N, into tune.trials=N, as Hydra takes no options of others."""
    line = re.sub(r"(^|\0)--n-trials[=\0]", r"\1tune.trials=", "\0".join(words))
    return line.split("\0") if words else []


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
            _log.error("job %s failed: %s", HydraConfig.get().job.num, _describe(error, name, schema)[0])
            raise

    return cast(Callable[[], Any], main)


def _describe(error: BaseException | None, name: str, schema: type[Any]) -> tuple[str, int]:
    """Put an error into one line, with the exit code it stands for."""
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _explain(error, name, schema), ConfigError.exit_code
    if isinstance(error, MelanomaError):
        return _one_line(error), error.exit_code
    if isinstance(error, ValueError) and isinstance(error.__cause__, OSError):
        error = error.__cause__  # of a log file that cannot be opened, before the job has begun
    if isinstance(error, OSError) and (error.filename is not None or error.errno in _DISK):
        return f"{error.filename or 'writing failed'}: {error.strerror}", ConfigError.exit_code
    line = f"internal error: {type(error).__name__}: {_one_line(error)}"
    return f"{line}; set HYDRA_FULL_ERROR=1 for the traceback", MelanomaError.exit_code


def _explain(error: BaseException, name: str, schema: type[Any]) -> str:
    """Say what is wrong with the command line, all faults at once, where Hydra stops at the first."""
    overrides = [word for word in sys.argv[1:] if not word.startswith("-") and "=" in word]
    if {"-m", "--multirun"} & set(sys.argv):
        return _fault(error, schema)
    faults, good = [], list[str]()
    # A group's choice decides which options there are, so choices are tried before single options.
    for override in sorted(overrides, key=lambda word: "." in word.split("=")[0]):
        try:
            _compose(name, [*good, override])
            good.append(override)
        except (HydraException, OmegaConfBaseException) as fault:
            faults.append(_fault(fault, schema))
    try:
        resolve(_compose(name, good), schema)
    except ConfigError as fault:
        faults.append(str(fault))
    return "; ".join(faults or [_fault(error, schema)])


def _compose(name: str, overrides: list[str]) -> DictConfig:
    search_path = [
        f"hydra.searchpath=[file://{Path(sys.argv[at + 1]).absolute()}]"
        for at, word in enumerate(sys.argv[:-1])
        if word in ("--config-dir", "-cd")
    ]
    return compose(name, overrides + search_path)


def _fault(error: BaseException, schema: type[Any]) -> str:
    if isinstance(error, MissingConfigException) and error.options is not None:
        return _no_choice(error, error.options)
    unknown = re.search(r"full_key: (\S+)", str(error.__cause__ or error))
    if unknown is None:
        return _one_line(error)
    key, options = unknown[1], options_of(schema)
    parent = key.rpartition(".")[0]
    if options.get(parent) is dict:
        return f"{key} is a new entry; add it with +{key}=VALUE"
    siblings = [option for option in options if option.rpartition(".")[0] == parent]
    return f"{key} is not an option; {near(key, options, siblings)}"


def _no_choice(error: MissingConfigException, choices: Sequence[str]) -> str:
    """Name the group as the command line does: a choice may lie in a folder of it, as experiment=study/standard."""
    path, named = str(error.missing_cfg_file), re.search(r"Available options in '(\S+)'", str(error))
    group = named[1] if named else path.rpartition("/")[0]
    folder, choice = CONFIG_DIR / group, path.removeprefix(f"{group}/")
    below = {file.relative_to(folder).with_suffix("").as_posix() for file in folder.glob("*/*.yaml")}
    return f"{group}={choice}: no such choice; {near(choice, {*choices, *below})}"


def _one_line(error: BaseException | None) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()


def _leave(cause: str, code: int) -> None:
    rank = os.environ.get("RANK")
    print(f"melanoma{'' if rank is None else f' (process {rank})'}: {cause}", file=sys.stderr)
    sys.exit(code)
