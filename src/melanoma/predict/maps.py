"""Heat maps of images that are predicted already, one file an image."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from melanoma.config import DataConfig, PredictConfig
from melanoma.data.readers import Reader
from melanoma.durable import replace_text
from melanoma.explain.heat_maps import maps_of
from melanoma.explain.overlay import write_overlay
from melanoma.explain.trust import CAUTION
from melanoma.predict.scoring import Scorer, images_for
from melanoma.trained import place

NOTE = f"""{CAUTION}

Beside each picture, as the model sees it, stands its map: what speaks for the call that predictions.csv gives, or for
malignant where it gives none; attention weighs places whatever they speak for. A map is yellow where its own heat is
highest, however little that is; where both pictures are the same, nothing speaks for the call. Whether this model's
maps are to be believed is measured by melanoma-eval explain=... on images with a diagnosis.
"""


def write_maps(
    scorer: Scorer, table: pd.DataFrame, reader: Reader, data: DataConfig, config: PredictConfig, run_dir: Path
) -> Path:
    """Read the images that are asked for, or all, once more, and write each beside its map; give the folder.

    The map is of the whole image in one view, whatever `tta` and `crops` say. One batch is held at a time.

    Raises:
        ConfigError: if the model cannot be explained so.
        DataError: if an image can no longer be read.
    """
    calls = pd.read_csv(run_dir / "predictions.csv", dtype={"image_name": str}, keep_default_na=False)
    wanted = set(config.explain_images) or set(calls["image_name"])
    called = calls.set_index("image_name").get("called", pd.Series(1, index=calls["image_name"])) == 1
    rows = table[table["image_name"].isin(wanted & set(called.index))]
    model = place(scorer.checkpoint, scorer.trained, str(scorer.path), scorer.compute)
    loader = images_for(scorer, rows, reader, data, config, scorer.trained.training.image_size)
    folder = run_dir / "heat_maps"
    folder.mkdir(exist_ok=True)
    replace_text(folder / "README.txt", NOTE)
    with tqdm(total=len(rows), desc="heat maps", unit=" images", leave=False, disable=None) as bar:
        for batch in loader.epoch():
            names = loader.table["image_name"].iloc[batch["index"].numpy()].tolist()
            malignant = torch.tensor(called[names].tolist())
            heat = maps_of(str(config.explain), model, batch, scorer.compute, malignant).numpy()
            pictures = np.ascontiguousarray(batch["image"].permute(0, 2, 3, 1).numpy())
            for name, picture, one in zip(names, pictures, heat, strict=True):
                write_overlay(folder, name, picture, one)
            bar.update(len(names))
    return folder
