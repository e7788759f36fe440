"""The command line as Hydra takes it: what we let people write beside its own grammar."""

import atexit
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from omegaconf import DictConfig

from melanoma.config import compose

_PATHS = ("--config-dir", "-cd", "--config-path", "-cp")


def translate(words: list[str]) -> list[str]:
    """Give the words that Hydra is to see in the place of the user's."""
    return [part for word in _options_first(words) for part in separate_data_sets(word)] + _rank_options()


def _options_first(words: list[str]) -> list[str]:
    """Put name=value behind --options: Hydra's parser takes what stands on both sides of one for a mistake."""
    values = [
        place
        for place, word in enumerate(words)
        if "=" in word and not word.startswith("-") and (place == 0 or words[place - 1] not in _PATHS)
    ]
    return [word for place, word in enumerate(words) if place not in values] + [words[place] for place in values]


def compose_as_typed(name: str, overrides: list[str]) -> DictConfig:
    """Compose a command's config with the --config-dir of this command line."""
    search_path = [
        f"hydra.searchpath=[file://{Path(sys.argv[at + 1]).absolute()}]"
        for at, word in enumerate(sys.argv[:-1])
        if word in ("--config-dir", "-cd")
    ]
    return compose(name, overrides + search_path)


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


def _rank_options() -> list[str]:
    """Give what keeps the second and further processes of torchrun from writing folders and logs of their own."""
    if os.environ.get("RANK", "0") == "0":
        return []
    folder = tempfile.mkdtemp(prefix="melanoma_rank_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    quiet = ["hydra.output_subdir=null", "hydra/job_logging=warnings"]
    return [f"hydra.run.dir={folder}", f"hydra.sweep.dir={folder}", *quiet]
