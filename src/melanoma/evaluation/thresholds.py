"""The threshold that predictions are judged at, and the words that say where it comes from."""

import logging
from dataclasses import dataclass

from melanoma.config import EvalConfig
from melanoma.evaluation.ensemble import combine, mean_threshold
from melanoma.evaluation.members import Member, has_views, is_joint
from melanoma.evaluation.operating import choose_threshold
from melanoma.evaluation.scoring import own_threshold

_log = logging.getLogger(__name__)

_RULE = "chosen on the validation patients, for the highest Youden's J"


@dataclass(frozen=True)
class Threshold:
    """A probability, or a mean rank, from which an image is called malignant."""

    value: float
    rule: str
    """Where it comes from, for the page."""


def settle_threshold(members: list[Member], config: EvalConfig) -> Threshold:
    """Take the threshold from validation patients, whatever is scored.

    Averaged checkpoints that share their validation images: chosen on the averages there. Else the mean of the
    checkpoints' own, as logits; but a mean rank has no threshold of its own then, and is cut at 0.5.
    """
    if config.threshold is not None:
        return Threshold(config.threshold, "as given")
    if is_joint([member.opened for member in members], config):
        return _joint(members, config)
    if config.ensemble == "ranks" and len(members) > 1:
        return _half("the checkpoints were validated on different images, or these are not at hand")
    own = [_own(member, config) for member in members]
    if len(own) == 1:
        return own[0]
    rules = "; or ".join(dict.fromkeys(threshold.rule for threshold in own))
    value = mean_threshold([threshold.value for threshold in own])
    return Threshold(value, f"mean, as logits, of the {len(own)} checkpoints' own thresholds, each {rules}")


def _joint(members: list[Member], config: EvalConfig) -> Threshold:
    tables = {member.path: member.validation for member in members if member.validation is not None}
    together = combine(tables, config.ensemble)
    value = choose_threshold(together["target"].to_numpy(dtype=int), together["probability"].to_numpy())
    if value is None:
        return _half("one class was validated")
    return Threshold(value, f"{_RULE}, on their averaged predictions")


def _half(why: str) -> Threshold:
    _log.warning("there is no threshold for the ensemble: %s; 0.5 is used", why)
    return Threshold(0.5, f"0.5, as {why}")


def _own(member: Member, config: EvalConfig) -> Threshold:
    """Choose it on the validation images as they are scored here, or take the one of training."""
    if config.calibrate:
        rule = f"{_RULE}, each calibrated by a fit on others"
        return Threshold(own_threshold(member.opened), rule if config.calibrate != "prior" else f"{_RULE}, calibrated")
    if member.validation is not None:
        rows = member.validation
        value = choose_threshold(rows["target"].to_numpy(dtype=int), rows["probability"].to_numpy())
        if value is not None:
            return Threshold(value, f"{_RULE}, in the same views")
    elif has_views(config):
        _log.warning("the validation images are not at hand: the threshold is that of training, without tta or crops")
    value = own_threshold(member.opened)
    known = member.opened.checkpoint.threshold is not None
    return Threshold(value, f"{_RULE}, in training" if known else "0.5, as the checkpoint has none")
