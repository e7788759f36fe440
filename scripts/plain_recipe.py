"""Train as most scripts do, for comparison."""

import itertools
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from bench_data import CommonRecipe
from melanoma.compute import choose_workers
from melanoma.config import TrainConfig
from melanoma.models import build_model


class PlainRecipe:
    """What most training scripts do: fp16 autocast with a scaler, contiguous, not compiled, plain Adam."""

    def __init__(self, config: TrainConfig, folder: Path, steps: int, device: torch.device) -> None:
        self._device, self._half = device, device.type == "cuda"
        size, self._batch = config.training.image_size, config.training.batch_size
        self._model: Any = build_model(config.model, size).to(device).train()
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=1e-4)
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._half)
        files = sorted(folder.iterdir()) * (1 + steps * self._batch // len(list(folder.iterdir())))
        workers = choose_workers(None, device)
        self._loader = DataLoader(
            CommonRecipe(files, size, config.augment),
            self._batch,
            shuffle=True,
            num_workers=workers,
            pin_memory=self._half,
            drop_last=True,
            persistent_workers=workers > 0,
        )

    def rate(self, steps: int) -> float:
        """Give images a second of so many steps, the first of which has been read before."""
        batches = iter(self._loader)
        self._step(*next(batches))
        started = time.perf_counter()
        for image, target in itertools.islice(batches, steps - 1):
            loss = self._step(image, target)
        float(loss)  # waits for the device
        return (steps - 1) * self._batch / (time.perf_counter() - started)

    def _step(self, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        image, target = image.to(self._device, non_blocking=True), target.to(self._device).float()
        with torch.autocast(self._device.type, torch.float16, enabled=self._half):
            backbone = self._model.backbone
            logits = self._model.classifier(backbone.pool(backbone.net.forward_features(image))).squeeze(1)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), target)
        self._optimizer.zero_grad()
        self._scaler.scale(loss).backward()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return loss.detach()
