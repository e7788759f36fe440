"""The most wrong images of an evaluation, and on request their heat maps."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from melanoma.config import EvalConfig
from melanoma.data.dataset import Batch, LesionDataset, collate
from melanoma.data.transforms import Transform, fit_square
from melanoma.durable import replace_text
from melanoma.evaluation.members import Member
from melanoma.evaluation.subject import Subject
from melanoma.explain.cases import Cases, find_cases
from melanoma.explain.overlay import Picture, write_overlay
from melanoma.explain.run import HeatMap, explain
from melanoma.explain.trust import Trust, measure_trust
from melanoma.trained import place

TILE = 224
"""Side of a picture, in pixels."""


@dataclass(frozen=True)
class Gallery:
    """What the page shows of single images; pictures and maps by image name."""

    cases: list[Cases]
    pictures: dict[str, Picture]
    """The part of the image that the model sees."""
    maps: dict[str, HeatMap]
    """None where none are asked for."""
    trust: list[Trust]
    """Of all maps of each call; none without maps."""


def make_gallery(subject: Subject, config: EvalConfig) -> Gallery:
    """Read the images to show, and explain them if asked for.

    Raises:
        ImageError: if an image can no longer be read.
    """
    cases = find_cases(subject.predictions, subject.threshold.value, config.explain_count, config.explain_images)
    rows = pd.concat([one.rows for one in cases]).drop_duplicates("image_name")
    opened, names = subject.members[0].opened, rows["image_name"].tolist()
    fit = opened.trained.training.fit
    pictures = {name: fit_square(opened.reader.read(name, least=TILE), TILE, fit) for name in names}
    maps: dict[str, HeatMap] = {}
    if config.explain and names:
        malignant = (rows["probability"] >= subject.threshold.value).tolist()
        maps = dict(zip(names, _explain(subject.members[0], names, malignant, config), strict=True))
    return Gallery(cases, pictures, maps, measure_trust(list(maps.values())))


def write_maps(gallery: Gallery, folder: Path) -> None:
    """Write each picture beside the same with its heat, and all figures as JSON."""
    folder.mkdir(exist_ok=True)
    figures: dict[str, Any] = {}
    for name, one in gallery.maps.items():
        write_overlay(folder, name, gallery.pictures[name], one.heat.numpy())
        values = {key: value for key, value in vars(one).items() if key != "heat"}
        figures[name] = values | {key: values[key] and asdict(values[key]) for key in ("shares", "removal")}
    content = {"trust": [asdict(one) for one in gallery.trust], "images": figures}
    replace_text(folder / "figures.json", json.dumps(content, indent=2, allow_nan=False) + "\n")


def _explain(member: Member, names: list[str], malignant: list[bool], config: EvalConfig) -> list[HeatMap]:
    """Explain the model alone, on whole images: without views, crops and calibration."""
    opened = member.opened
    model = place(opened.checkpoint, opened.trained, member.path, opened.compute)
    batch = _read(member, names)
    return explain(str(config.explain), model, batch, malignant, opened.compute, config.explain_checks, config.seed)


def _read(member: Member, names: list[str]) -> Batch:
    opened, training = member.opened, member.opened.trained.training
    rows = opened.table.set_index("image_name", drop=False).loc[names]
    dataset = LesionDataset(rows, opened.reader, Transform(training.image_size, training.fit))
    batch, errors = collate([dataset[0, row, 0] for row in range(len(names))])
    if batch is None or errors:
        raise errors[0]
    return batch
