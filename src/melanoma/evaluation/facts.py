"""Where an evaluation's numbers come from, in words for the page."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from melanoma import __version__
from melanoma.config import EvalConfig, ScoringConfig, TrainConfig
from melanoma.evaluation.members import Member
from melanoma.evaluation.overlap import describe
from melanoma.evaluation.run_folders import run_name
from melanoma.models.views import SYMMETRIES, view_count


def describe_members(members: list[Member], config: ScoringConfig, threshold_rule: str) -> dict[str, str]:
    """Name data, models and how they were used; where checkpoints differ, each value once."""
    checkpoints = [member.opened.checkpoint for member in members]
    trained = [member.opened.trained for member in members]
    computes = [member.opened.compute for member in members]
    unreadable = {image for member in members for image in member.unreadable}
    return {
        "Data set": members[0].opened.own.data.name,
        "Trained on": _each(one.data.name for one in trained),
        **_overlap(members[0]),
        "Images that could not be read": str(len(unreadable)),
        **_checkpoints(members),
        **({"Put together": _ensemble(config.ensemble)} if len(members) > 1 else {}),
        "Views of an image": _views(members[0], config),
        "Threshold": threshold_rule,
        "Share of positives in training": _each(
            f"{c.prior:.3f}, learnt as {c.effective_prior:.3f}" for c in checkpoints
        ),
        "Model": _models([f"{one.model.name} on {one.model.backbone}" for one in trained]),
        "Image size": _each(f"{one.training.image_size} px, {one.training.fit}" for one in trained),
        "Device and precision": _each(f"{c.device.type}, {str(c.dtype).removeprefix('torch.')}" for c in computes),
        "Training": _each(_training(one) for one in trained),
        "Images in training": _each(describe_splits(one.splits) for one in checkpoints),
        "Splits": "SHA-256 " + _each(one.split_hash[:16] for one in checkpoints),
        "Config of training": "SHA-256 " + _each(_digest(one.config) for one in checkpoints),
        "Versions in training": _each(", ".join(f"{k} {v}" for k, v in one.versions.items()) for one in checkpoints),
    }


def describe_splits(splits: dict[str, str]) -> str:
    """Count the images of each split."""
    counts = Counter(splits.values())
    return (
        f"{counts['train']:,} images to learn from, {counts['val']:,} for validation, {counts['test']:,} for the test"
    )


def describe_evaluation(config: EvalConfig) -> str:
    """Say what made the figures, and where all of its options are."""
    return (
        f"melanoma {__version__}, {config.bootstrap_draws:,} draws of patients, seed {config.seed}; all options are in "
        ".hydra/config.yaml beside this page"
    )


def name_scorer(members: list[Member], config: ScoringConfig) -> str:
    """Say who scored, to begin "... reaches AUC"."""
    if config.ensemble == "folds":
        return "each fold's own model"
    if len(members) == 1:
        return "the model"
    return f"the mean {'rank' if config.ensemble == 'ranks' else 'logit'} of {len(members)} models"


def _overlap(member: Member) -> dict[str, str]:
    overlap = member.opened.overlap
    return {} if overlap is None else {"Overlap with training": describe(overlap.counts)}


def _checkpoints(members: list[Member]) -> dict[str, str]:
    known = [(member.path, member.opened.checkpoint) for member in members]
    aucs = ["undefined" if one.val_auc is None else f"{one.val_auc:.4f}" for _, one in known]
    if len(known) == 1:
        names = [f"{Path(path).name}, epoch {one.epoch}" for path, one in known]
    else:
        names = [f"{run_name(Path(path))}, epoch {one.epoch}" for path, one in known]
    return {
        "Checkpoint" if len(known) == 1 else "Checkpoints": "; ".join(names),
        "Validation AUC in training": "; ".join(aucs),
    }


def _training(trained: TrainConfig) -> str:
    training = trained.training
    batch = training.batch_size or "as many as fitted"
    return (
        f"at most {training.epochs} epochs of batches of {batch}, rate {training.lr:g}, "
        f"{training.balance.replace('_', ' ')}, seed {trained.seed}"
    )


def _digest(config: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def _ensemble(ensemble: str) -> str:
    return {
        "logits": "mean of the logits",
        "ranks": "mean of the ranks within the images scored, divided by their number; a rank is no probability",
        "folds": "out of fold: each image by the checkpoint that has not seen its patient",
    }[ensemble]


def _views(member: Member, config: ScoringConfig) -> str:
    count, symmetries = view_count(config.tta, config.crops), len(SYMMETRIES[config.tta])
    own, trained = member.opened.own.training, member.opened.trained.training
    if config.crops == 1:
        return "1: as it is" if count == 1 else f"{count}: tta={config.tta}, mean of their logits"
    size = f"{config.crops} crops of {trained.image_size} px from {own.image_size} px"
    return f"{count}: {size}, each in {symmetries} by tta={config.tta}, mean of their logits"


def _models(names: list[str]) -> str:
    return " and ".join(f"{count} x {name}" if len(names) > 1 else name for name, count in Counter(names).items())


def _each(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(values))
