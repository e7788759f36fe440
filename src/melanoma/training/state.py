"""What a checkpoint holds beside the model, so that a run goes on as if it had never ended."""

import random
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from melanoma.errors import CheckpointError
from melanoma.training.progress import Progress
from melanoma.training.trainee import Trainee


def capture(trainee: Trainee) -> dict[str, Any]:
    """Give all that changes in training, as plain values and tensors."""
    return {
        "model": trainee.model.state_dict(),
        "ema": trainee.ema and trainee.ema.module.state_dict(),
        "optimizer": trainee.optimizer.state_dict(),
        "scaler": trainee.scaler.state_dict(),
        "schedule": trainee.schedule.state_dict(),
        "stopping": asdict(trainee.stopping),
        "progress": asdict(trainee.progress),
        "random": trainee.ranks.gather(_random_states()),
    }


def restore(trainee: Trainee, state: dict[str, Any]) -> None:
    """Put it back.

    Raises:
        CheckpointError: if it is not of such a model, or of another number of processes.
    """
    if len(state["random"]) != trainee.ranks.count:
        raise CheckpointError(
            f"the run had {len(state['random'])} processes, and now has {trainee.ranks.count}: start as many"
        )
    try:
        trainee.model.load_state_dict(state["model"])
        if trainee.ema:
            trainee.ema.module.load_state_dict(state["ema"])
        trainee.optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"the weights are not those of this model: {' '.join(str(error).split())[:200]}. Use the timm version of "
            "the run's environment.json"
        ) from error
    trainee.scaler.load_state_dict(state["scaler"])
    trainee.schedule.load_state_dict(state["schedule"])
    vars(trainee.stopping).update({name: state["stopping"][name] for name in ("best", "epochs_without_gain")})
    trainee.progress = Progress(**state["progress"])
    _set_random_states(state["random"][trainee.ranks.rank])


def _random_states() -> dict[str, Any]:
    name, keys, *rest = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        "python": random.getstate(),
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
    }


def _set_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
    random.setstate(states["python"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
