"""Tiny data and configs that every test may use."""

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from melanoma.config import TrainConfig, compose, resolve

TINY = [
    "experiment=demo",
    "data.demo.patients=30",
    "data.demo.images_per_patient=3",
    "data.demo.image_size=32",
    "training.image_size=32",
    "training.epochs=1",
    "device=cpu",
]
"""A run on drawn pictures that takes a second."""


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Keep tiny networks from waiting for a second core that other tests keep busy."""
    torch.set_num_threads(1)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Have Ctrl-C raise also where the tests run in the background, for which a shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo data set, drawn once."""
    from melanoma.data.demo import draw

    root = tmp_path_factory.mktemp("data") / "demo"
    config = resolve(compose("train", TINY), TrainConfig).data.demo
    assert config is not None
    draw(root, config)
    return root


@pytest.fixture
def tiny(demo_root: Path) -> list[str]:
    """Overrides for a run of a second."""
    return [*TINY, f"data.root={demo_root}", f"cache={demo_root.parent / 'cache'}"]


@pytest.fixture
def train_config(tiny: list[str]) -> Callable[..., TrainConfig]:
    """Resolve the tiny training config with further overrides."""
    return lambda *overrides: resolve(compose("train", [*tiny, *overrides]), TrainConfig)


@pytest.fixture(scope="session")
def trained(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished run."""
    from melanoma.training.run import train

    run_dir = tmp_path_factory.mktemp("runs") / "tiny"
    overrides = [*TINY, f"data.root={demo_root}", f"cache={demo_root.parent / 'cache'}", "training.epochs=2"]
    train(resolve(compose("train", overrides), TrainConfig), run_dir)
    return run_dir


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Run a command in this process: its exit code, stdout and stderr."""
    from melanoma import cli

    def call(command: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
        monkeypatch.setattr(sys, "argv", [f"melanoma-{command}", *arguments])
        capfd.readouterr()
        code = 0
        try:
            commands = {"train": cli.train, "eval": cli.evaluate, "compare": cli.compare, "prepare": cli.prepare}
            (commands | {"tune": cli.tune, "predict": cli.predict, "export": cli.export})[command]()
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    yield call
    # Hydra leaves its handlers on the root logger, with this test's files open.
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, logging.FileHandler) or type(handler) is logging.StreamHandler:
            logging.getLogger().removeHandler(handler)
            handler.close()
