"""What an error means to who typed the command: one line, all faults of the command line in it, and an exit code."""

import errno
import re
import sys
from collections.abc import Sequence
from typing import Any

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from melanoma.config import CONFIG_DIR, resolve
from melanoma.config.command_line import compose_as_typed
from melanoma.errors import ConfigError, MelanomaError
from melanoma.schema import near, options_of

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def describe(error: BaseException | None, name: str, schema: type[Any]) -> tuple[str, int]:
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
        return fault_of(error, schema)
    faults, good = [], list[str]()
    # A group's choice decides which options there are, so choices are tried before single options.
    for override in sorted(overrides, key=lambda word: "." in word.split("=")[0]):
        try:
            compose_as_typed(name, [*good, override])
            good.append(override)
        except (HydraException, OmegaConfBaseException) as fault:
            faults.append(fault_of(fault, schema))
    try:
        resolve(compose_as_typed(name, good), schema)
    except ConfigError as fault:
        faults.append(str(fault))
    return "; ".join(faults or [fault_of(error, schema)])


def fault_of(error: BaseException, schema: type[Any]) -> str:
    """Say what Hydra found wrong first, with the nearest that is right."""
    if isinstance(error, MissingConfigException) and error.options is not None:
        return _no_choice(error, error.options)
    if unquoted := re.search(r"Ambiguous value for argument '(.+?)'\s", str(error)):
        return _unquoted(unquoted[1])
    if isinstance(error, OverrideParseException) and "=" in error.override:
        return _unquoted(error.override)
    unknown = re.search(r"full_key: (\S+)", str(error.__cause__ or error))
    if unknown is None:
        return _one_line(error)
    key, options = unknown[1], options_of(schema)
    parent = key.rpartition(".")[0]
    if options.get(parent) is dict:
        return f"{key} is a new entry; add it with +{key}=VALUE"
    if key in options:
        return f"{key} is not in the files that were chosen; add it with +{key}=VALUE"
    siblings = [option for option in options if option.rpartition(".")[0] == parent]
    return f"{key} is not an option; {near(key, options, siblings)}"


def _unquoted(override: str) -> str:
    """Say how to write a path such as `photos (1)`, which the shell's own quotes do not keep from Hydra."""
    key, _, value = override.partition("=")
    marks = "a comma, bracket, brace, quote or = in a value means something to Hydra"
    return f"""{override} cannot be read: {marks}; to have it as it stands, quote it twice: '{key}="{value}"'"""


def _no_choice(error: MissingConfigException, choices: Sequence[str]) -> str:
    """Name the group as the command line does: a choice may lie in a folder of it, as experiment=study/standard."""
    path, named = str(error.missing_cfg_file), re.search(r"Available options in '(\S+)'", str(error))
    group = named[1] if named else path.rpartition("/")[0]
    folder, choice = CONFIG_DIR / group, path.removeprefix(f"{group}/")
    below = {file.relative_to(folder).with_suffix("").as_posix() for file in folder.glob("*/*.yaml")}
    return f"{group}={choice}: no such choice; {near(choice, {*choices, *below})}"


def _one_line(error: BaseException | None) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()
