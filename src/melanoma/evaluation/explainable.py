"""What has to hold before anything is scored, so that explanations do not fail at the end."""

from collections.abc import Mapping

from melanoma.config import EvalConfig
from melanoma.errors import ConfigError
from melanoma.evaluation.scoring import Opened
from melanoma.explain.cases import require_images
from melanoma.explain.heat_maps import require_method


def require_explainable(config: EvalConfig, opened: Mapping[str, Opened]) -> None:
    """Refuse to explain several checkpoints, a variant without the method's maps, and images that are not scored.

    Raises:
        ConfigError: naming the option at fault.
    """
    if len(opened) > 1:
        raise ConfigError(
            f"explain={config.explain} explains one checkpoint, and there are {len(opened)}; name one, or leave "
            "explain out"
        )
    (one,) = opened.values()
    require_method(str(config.explain), one.trained.model.name)
    require_images(config.explain_images, one.table["image_name"].tolist())
