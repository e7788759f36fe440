import logging

import pytest

from melanoma.data.loader import Loader, drop_missing, make_loader
from melanoma.data.readers import make_reader
from melanoma.errors import DataError


@pytest.fixture
def loader(images, configure):
    def make(*overrides: str, learn: bool = True, workers: int = 0, table=images) -> Loader:
        config = configure("training.batch_size=5", *overrides)
        reader = make_reader(config.data, config.reader)
        return make_loader(table, reader, config, learn=learn, workers=workers, pin_memory=False)

    return make


def rows(loader, epoch=0):
    return [row for batch in loader.epoch(epoch) for row in batch["index"].tolist()]


def pictures(loader, epochs=2):
    return [
        (row, picture.numpy().tobytes())
        for epoch in range(epochs)
        for batch in loader.epoch(epoch)
        for row, picture in zip(batch["index"].tolist(), batch["image"], strict=True)
    ]


def test_any_number_of_workers_gives_the_same_pictures(loader):
    assert pictures(loader(workers=0)) == pictures(loader(workers=2))


def test_every_epoch_draws_other_pictures(loader):
    first, second = (dict(pictures(loader("training.batch_size=12"), epochs)) for epochs in (1, 2))
    changed = [first[row] != second[row] for row in range(1, 12)]
    assert sum(changed) > 2


def test_training_rows_come_at_most_once_an_epoch_in_whole_batches(loader):
    training = loader()
    found = rows(training)
    assert len(found) == len(set(found)) == 10
    assert len(training) == 2


def test_a_split_smaller_than_a_batch_is_still_learnt_from(loader):
    assert sorted(rows(loader("training.batch_size=16"))) == list(range(12))


def test_validation_rows_come_exactly_once_in_the_table_s_order(loader):
    assert rows(loader(learn=False)) == rows(loader(learn=False), 1) == list(range(12))


def test_validation_images_are_not_augmented(loader):
    for batch in loader(learn=False).epoch(3):
        expected = (20 * batch["index"])[:, None, None, None].expand_as(batch["image"])
        assert (batch["image"] == expected).all()


def test_the_order_differs_between_epochs_and_seeds_and_is_reproducible(loader):
    training = loader()
    orders = [rows(training, epoch) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 3
    assert [rows(training, epoch) for epoch in (2, 0)] == [orders[2], orders[0]]
    assert rows(loader(), 1) == orders[1]
    assert rows(loader("seed=1"), 1) != orders[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_image_ends_the_run(loader, folder, workers):
    (folder / "im07.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        rows(loader(learn=False, workers=workers))
    message = str(caught.value)
    assert message.startswith("image im07: is empty (0 bytes)")
    assert "data.on_error=skip" in message
    assert "\n" not in message


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_image_is_skipped_counted_and_listed(loader, folder, workers, caplog):
    (folder / "im07.png").write_bytes(b"")
    some = loader("data.on_error=skip", "data.max_bad_fraction=0.1", learn=False, workers=workers)
    left = [row for row in range(12) if row != 7]
    assert rows(some, 0) == rows(some, 1) == left
    assert some.bad == {"im07": "is empty (0 bytes)"}
    assert [record.message for record in caplog.records] == ["skipped image im07: is empty (0 bytes)"]


def test_a_batch_of_unreadable_images_alone_is_left_out(loader, folder):
    for row in range(5):
        (folder / f"im{row:02d}.png").write_bytes(b"")
    some = loader("data.on_error=skip", "data.max_bad_fraction=0.5", learn=False)
    assert [len(batch["index"]) for batch in some.epoch()] == [5, 2]
    assert sorted(some.bad) == [f"im{row:02d}" for row in range(5)]


@pytest.mark.parametrize(("fraction", "count"), [(0.1, 2), (0.05, 1), (0, 1)])
def test_more_unreadable_images_than_allowed_end_the_run(loader, folder, fraction, count):
    for name in ("im02", "im07", "im09"):
        (folder / f"{name}.png").write_bytes(b"")
    some = loader("data.on_error=skip", f"data.max_bad_fraction={fraction}", learn=False)
    with pytest.raises(DataError) as caught:
        rows(some)
    message = str(caught.value)
    assert f"{count} of 12 images cannot be read, more than data.max_bad_fraction=" in message
    assert "the last was image im0" in message
    assert "on_error" not in message


def test_missing_files_end_the_run_before_it_starts(loader, folder):
    for name in ("im02", "im07"):
        (folder / f"{name}.png").unlink()
    with pytest.raises(DataError) as caught:
        loader()
    message = str(caught.value)
    assert "2 of 12 images have no file, such as im02, im07" in message
    assert "data.on_error=skip" in message
    assert "data.root" in message
    assert "\n" not in message


def test_missing_files_are_left_out_and_listed(loader, folder, caplog):
    (folder / "im07.png").unlink()
    some = loader("data.on_error=skip", "data.max_bad_fraction=0.1", learn=False)
    assert "im07" not in some.table["image_name"].tolist()
    found = [name for batch in some.epoch() for name in some.table["image_name"].iloc[batch["index"].numpy()]]
    assert found == [f"im{row:02d}" for row in range(12) if row != 7]
    assert [(record.levelno, record.message[-5:]) for record in caplog.records] == [(logging.WARNING, " im07")]


def test_more_missing_files_than_allowed_end_the_run(loader, folder):
    for name in ("im02", "im07"):
        (folder / f"{name}.png").unlink()
    with pytest.raises(DataError, match=r"2 of 12 images have no file.*data\.max_bad_fraction=0\.1 allows"):
        loader("data.on_error=skip", "data.max_bad_fraction=0.1")


def test_nothing_missing_leaves_the_table_as_it_is(images, configure):
    config = configure()
    assert drop_missing(images, make_reader(config.data, config.reader), config.data) is images
