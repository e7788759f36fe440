"""The checkpoints that are scored together, each opened and scored on its own."""

from dataclasses import dataclass, replace

import pandas as pd
from torch import nn

from melanoma.config import EvalConfig, ScoringConfig
from melanoma.errors import ConfigError
from melanoma.evaluation.calibration import from_plain
from melanoma.evaluation.ensemble import WAY_OUT
from melanoma.evaluation.explainable import require_explainable
from melanoma.evaluation.folds import require_folds
from melanoma.evaluation.overlap import without_known
from melanoma.evaluation.own_test import open_own_test, score_own_test
from melanoma.evaluation.recalibrate import recalibrate
from melanoma.evaluation.run_folders import find_checkpoints
from melanoma.evaluation.same_rows import require_same_rows
from melanoma.evaluation.scoring import Opened, open_checkpoint, score, score_rows
from melanoma.models.views import view_count
from melanoma.prediction import inference_milliseconds, model_megabytes


@dataclass(frozen=True)
class Member:
    """One checkpoint, and what it gave."""

    path: str
    opened: Opened
    uncalibrated: pd.DataFrame
    """Predictions as the network gives them."""
    predictions: pd.DataFrame
    """The same, calibrated as the checkpoint says."""
    validation: pd.DataFrame | None
    """Predictions of the rows that it was validated on; None where they are not asked for, or not at hand."""
    own_test: pd.DataFrame | None
    """Likewise, of the checkpoint's own test split; None but beside another data set."""
    unreadable: dict[str, str]
    """Images left out, and why."""
    milliseconds: float
    """An image, alone in its batch and in all of its views."""
    megabytes: float

    @property
    def is_calibrated(self) -> bool:
        """Tell whether its predictions are other than the network's."""
        return self.opened.checkpoint.calibration is not None


def score_members(config: EvalConfig) -> list[Member]:
    """Open every checkpoint, see whether they go together, and score one after the other.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    paths = [str(path) for path in find_checkpoints(config.checkpoint)]
    asked = [replace(config, checkpoint=[path]) for path in paths]
    opened = {path: open_checkpoint(one) for path, one in zip(paths, asked, strict=True)}
    if config.ensemble == "folds":
        require_folds(opened)
    else:
        require_same_rows({path: one.table for path, one in opened.items()}, "checkpoints", WAY_OUT)
    if config.calibrate and len(paths) > 1:
        raise ConfigError(
            f"calibrate={config.calibrate} makes one checkpoint anew, and there are {len(paths)}; name one"
        )
    if config.explain:
        variants, known = [one.trained.model.name for one in opened.values()], opened[paths[0]].table["image_name"]
        require_explainable(config.explain, variants, config.explain_images, known.tolist())
    opened = without_known(opened, config)
    validate = is_joint(list(opened.values()), config) or has_views(config) or config.calibrate is not None
    return [_score(opened[one.checkpoint[0]], one, validate) for one in asked]


def is_joint(opened: list[Opened], config: ScoringConfig) -> bool:
    """Tell whether several are averaged and were validated on the same images, so that one threshold fits them."""
    names = [set(one.validation["image_name"]) for one in opened]
    return len(names) > 1 and config.ensemble != "folds" and len(names[0]) > 0 and all(n == names[0] for n in names)


def has_views(config: ScoringConfig) -> bool:
    """Tell whether an image is scored in several views, which the threshold of training does not know of."""
    return view_count(config.tta, config.crops) > 1


def _score(opened: Opened, config: EvalConfig, validate: bool) -> Member:
    own = open_own_test(opened, config)
    scored = score(opened, config)
    validation = None
    if validate and len(opened.validation):
        validation = _validate(scored.model, opened, config, scored.predictions)
    own_test = score_own_test(scored.model, own, config) if own else None
    if config.calibrate:
        opened = recalibrate(opened, config.calibrate, validation)
    calibration = from_plain(opened.checkpoint.calibration)
    # Forty views of an image are as many passes: a few repeats are steady enough.
    repeats = max(3, 20 // view_count(config.tta, config.crops))
    size = opened.own.training.image_size
    return Member(
        path=config.checkpoint[0],
        opened=opened,
        uncalibrated=scored.predictions,
        predictions=calibration.apply(scored.predictions) if calibration else scored.predictions,
        validation=validation if validation is None or calibration is None else calibration.apply(validation),
        own_test=own_test if own_test is None or calibration is None else calibration.apply(own_test),
        unreadable=scored.unreadable,
        milliseconds=inference_milliseconds(scored.model, size, opened.compute, repeats=repeats),
        megabytes=model_megabytes(scored.model),
    )


def _validate(model: nn.Module, opened: Opened, config: ScoringConfig, predictions: pd.DataFrame) -> pd.DataFrame:
    if set(opened.validation["image_name"]) == set(opened.table["image_name"]):
        return predictions  # split=val: they are scored already
    return score_rows(model, opened, opened.validation, config, "val")[0]
