from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from melanoma.data.dataset import LesionDataset, collate
from melanoma.data.readers import make_reader
from melanoma.data.transforms import Transform
from melanoma.errors import ImageError


@pytest.fixture
def dataset(images, configure):
    def make(augment: bool = True, seed: int = 0, table=images) -> LesionDataset:
        config = configure()
        changes = replace(config.augment, probability=1.0, brightness=0.3) if augment else None
        return LesionDataset(table, make_reader(config.data, config.reader), Transform(16, "squash", changes), seed)

    return make


def test_a_batch_has_its_keys_types_and_shapes(dataset):
    data = dataset()
    batch, errors = collate([data[0, row, 0] for row in (3, 1, 2)])
    assert errors == []
    found = {name: (value.dtype, tuple(value.shape)) for name, value in batch.items()}
    assert found == {
        "image": (torch.uint8, (3, 3, 16, 16)),
        "site": (torch.int64, (3,)),
        "sex": (torch.int64, (3,)),
        "age": (torch.float32, (3,)),
        "target": (torch.float32, (3,)),
        "index": (torch.int64, (3,)),
    }
    assert batch["index"].tolist() == [3, 1, 2]
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)


def test_metadata_are_codes_with_0_for_unknown(dataset):
    batch, _ = collate([dataset()[0, row, 0] for row in range(3)])
    assert batch["site"].tolist() == [0, 1, 6]
    assert batch["sex"].tolist() == [0, 1, 2]
    assert batch["age"].isnan().tolist() == [True, False, False]
    assert batch["age"][1:].tolist() == [0.0, 35.0]
    assert batch["target"].tolist() == [0.0, 1.0, 0.0]


def test_a_missing_target_is_nan(dataset, images):
    table = images.assign(target=images["target"].mask(images.index == 0))
    batch, _ = collate([dataset(table=table)[0, row, 0] for row in range(2)])
    assert batch["target"].isnan().tolist() == [True, False]


def test_the_image_is_that_of_the_row(dataset):
    batch, _ = collate([dataset(augment=False)[0, row, 0] for row in range(12)])
    assert [image.unique().tolist() for image in batch["image"]] == [[20 * row] for row in range(12)]


def test_a_picture_depends_on_run_epoch_row_and_copy_alone(dataset):
    first, second = dataset(), dataset()
    order = [(epoch, row, copy) for epoch in range(2) for row in range(1, 12) for copy in range(2)]
    pictures = {key: first[key]["image"].tobytes() for key in order}
    assert {key: second[key]["image"].tobytes() for key in reversed(order)} == pictures
    assert len(set(pictures.values())) > 35
    other = dataset(seed=1)
    assert np.mean([other[key]["image"].tobytes() == pictures[key] for key in order]) < 0.1


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_big_image_is_decoded_small_and_looks_the_same(images, folder, configure, fit, suffix):
    coarse = np.random.default_rng(0).integers(100, 160, (9, 12, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / f"big.{suffix}"), cv2.resize(coarse, (400, 300), interpolation=cv2.INTER_CUBIC))
    config = configure()
    reader, transform = make_reader(config.data, config.reader), Transform(64, fit)
    data = LesionDataset(images.head(1).assign(image_name="big"), reader, transform)
    small, full = data[0, 0, 0]["image"], transform(reader.read("big"))
    assert cv2.absdiff(small, full).mean() < 2
    assert (small == full).all() == (suffix == "png")


def test_the_dataset_is_as_long_as_its_table(dataset):
    assert len(dataset()) == 12


def test_an_unreadable_image_is_given_as_its_error(dataset, folder):
    (folder / "im01.png").write_bytes(b"no image")
    data = dataset()
    batch, errors = collate([data[0, row, 0] for row in (0, 1, 2)])
    assert batch["index"].tolist() == [0, 2]
    assert [(type(error), error.image_name) for error in errors] == [(ImageError, "im01")]
    assert collate(errors) == (None, errors)
