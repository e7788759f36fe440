"""All options of `melanoma-predict`."""

from dataclasses import dataclass
from typing import Any

from melanoma.config.data import DataConfig, ReaderConfig
from melanoma.config.views import ViewsConfig
from melanoma.schema import bounds


@dataclass
class PredictDataConfig:
    """Changes the checkpoint's data config, as far as images without labels need one."""

    on_error: str = bounds(choices=("fail", "skip"))
    """What an image that is missing or unreadable does: end the run, or be listed and left out."""
    max_bad_fraction: float = bounds(at_least=0, at_most=1)
    """With on_error=skip: the share of such images above which the run ends all the same."""
    sexes: dict[str, str] = bounds()
    """Further words, in lower case -> male or female, or '' for unknown."""
    sites: dict[str, str] = bounds()
    """Further words for a body site, in lower case -> one of the six canonical sites, or '' for unknown."""


@dataclass
class PredictConfig(ViewsConfig):
    """All that `melanoma-predict` needs."""

    checkpoint: list[str] = bounds()
    """Files, or directories that `melanoma-train` wrote: a run's best epoch, or those of all of a sweep's jobs. Of
    several, the logits are averaged."""
    images: str = bounds()
    """A folder, one image or shard, or a CSV with image_name and, where it is known, sex, age_approx,
    anatom_site_general_challenge and patient_id."""
    root: str | None = bounds()
    """Folder that holds, at any depth, the images that a CSV names; null: the CSV's own."""
    explain: str | None = bounds(choices=("grad_cam", "attention"))
    """Draws a heat map over each image that was scored; attention needs a variant that has one of its own."""
    explain_images: list[str] = bounds()
    """Names of the images to explain; none names all."""
    device: str = bounds(choices=("auto", "cpu", "cuda"))
    data: Any = bounds(pick=lambda values: DataConfig if "name" in values else PredictDataConfig)
    """A whole data config, for its words and its CSV's columns alone, else changes to the checkpoint's own."""
    reader: ReaderConfig | None = bounds()
    """null: chosen by what is found."""
    readers: dict[str, ReaderConfig] = bounds()
    """What is looked for where `reader` is null; the checkpoint's own reader comes first."""
    cache: str = bounds()
    """Folder for what can be made again: indexes of shards."""
    workers: int | None = bounds(at_least=0)

    def __post_init__(self) -> None:
        if not self.checkpoint:
            raise ValueError("checkpoint=[] names none; give a file, a run's directory or a sweep's")
        if self.explain_images and not self.explain:
            raise ValueError("explain_images names images to explain; add explain=grad_cam or explain=attention")
