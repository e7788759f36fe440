import dataclasses

import pytest

from melanoma.checkpoint import load_checkpoint
from melanoma.config import TrainConfig
from melanoma.evaluation.known_images import find_known, plain_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("ISIC_0024306", "isic_24306"),
        ("isic_0024306", "isic_24306"),
        ("ISIC0024306", "isic_24306"),
        ("ISIC_0024306_downsampled", "isic_24306"),
        ("Lesion_007", "lesion_007"),
        ("ISIC_0024306_b", "isic_0024306_b"),
    ],
)
def test_what_names_of_one_image_have_in_common(name, plain):
    assert plain_name(name) == plain


def test_names_are_those_of_training_and_validation_and_not_of_test(trained):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    one = {split: name for name, split in checkpoint.splits.items()}
    names = [one["train"].lower(), f"{one['val']}_downsampled", one["test"], "other"]
    assert find_known(names, None, checkpoint).to_numpy().tolist() == [
        [names[0], "name", one["train"], "train"],
        [names[1], "name", one["val"], "val"],
    ]


def test_without_any_overlap_the_columns_stay(trained):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    found = find_known(["other"], None, dataclasses.replace(checkpoint, digests=None))
    assert (len(found), list(found.columns)) == (0, ["image_name", "kind", "known_as", "split"])
