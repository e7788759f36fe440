"""What has to hold before anything is scored, so that explanations do not fail at the end."""

from collections.abc import Collection, Sequence

from melanoma.errors import ConfigError
from melanoma.explain.cases import require_images
from melanoma.explain.heat_maps import require_method


def require_explainable(method: str, variants: Sequence[str], chosen: Sequence[str], known: Collection[str]) -> None:
    """Refuse to explain several checkpoints, a variant without the method's maps, and images that are not scored.

    Args:
        method: As `explain` names it.
        variants: The `model.name` of each checkpoint.
        chosen: Names of images to explain.
        known: Names of the images that are scored.

    Raises:
        ConfigError: naming the option at fault.
    """
    if len(variants) > 1:
        raise ConfigError(
            f"explain={method} explains one checkpoint, and there are {len(variants)}; name one, or leave explain out"
        )
    require_method(method, variants[0])
    require_images(chosen, known)
