import logging
import multiprocessing
import os
import signal
from collections import Counter

import pytest

from melanoma.data.loader import Loader, make_loader
from melanoma.data.readers import make_reader
from melanoma.errors import DataError


@pytest.fixture
def loader(images, configure):
    def make(*overrides: str, learn: bool = True, workers: int = 0, table=images, **share: int) -> Loader:
        config = configure("training.batch_size=5", *overrides)
        reader = make_reader(config.data, config.reader)
        return make_loader(table, reader, config, learn=learn, workers=workers, pin_memory=False, **share)

    return make


def rows(loader, epoch=0):
    return [row for batch in loader.epoch(epoch) for row in batch["index"].tolist()]


def pictures_of(loader, epoch=0):
    return [
        (row, picture.numpy().tobytes())
        for batch in loader.epoch(epoch)
        for row, picture in zip(batch["index"].tolist(), batch["image"], strict=True)
    ]


def pictures(loader, epochs=2):
    return [item for epoch in range(epochs) for item in pictures_of(loader, epoch)]


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


def test_an_image_drawn_twice_in_an_epoch_is_augmented_in_two_ways(loader):
    stronger = "augment.probability=1", "augment.brightness=0.9"
    balanced = loader("training.balance=sampler", "training.batch_size=12", *stronger)
    for epoch in range(5):
        found = [(row, picture) for row, picture in pictures_of(balanced, epoch) if row > 0]
        assert len(found) > len({row for row, _ in found})
        assert len(set(found)) == len(found)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker")
@pytest.mark.parametrize("workers", [0, 1, 4])
@pytest.mark.parametrize("balance", ["none", "sampler"])
def test_any_number_of_processes_and_workers_and_a_resumed_run_give_the_same_pictures(loader, balance, workers):
    options = f"training.balance={balance}", "training.batch_size=2"
    alone = Counter(pictures_of(loader(*options), 2))
    assert alone.total() == 12
    shares = [loader(*options, workers=workers, rank=rank, ranks=2) for rank in (0, 1)]
    assert [len(share) for share in shares] == [3, 3]
    assert sum((Counter(pictures_of(share, 2)) for share in shares), Counter()) == alone
    longer = loader(*options, workers=workers)
    rows(longer, 0)
    assert Counter(pictures_of(longer, 2)) == alone


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker")
@pytest.mark.parametrize("workers", [0, 1, 4])
@pytest.mark.parametrize("ranks", [1, 2])
def test_processes_that_evaluate_see_every_picture_once(loader, workers, ranks):
    alone = pictures_of(loader(learn=False))
    shares = [loader(learn=False, workers=workers, rank=rank, ranks=ranks) for rank in range(ranks)]
    assert sorted(item for share in shares for item in pictures_of(share)) == alone


def test_ctrl_c_does_not_reach_the_workers(loader):
    batches = loader(learn=False, workers=2).epoch()
    first = [row for _ in range(2) for row in next(batches)["index"].tolist()]  # so that both have begun
    for worker in multiprocessing.active_children():
        os.kill(worker.pid, signal.SIGINT)
    assert first + [row for batch in batches for row in batch["index"].tolist()] == list(range(12))


def test_a_killed_worker_ends_the_run_with_a_way_out(loader):
    single = loader("training.batch_size=1", workers=1)
    batches = single.epoch()
    next(batches)
    for worker in multiprocessing.active_children():
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    with pytest.raises(DataError) as caught:
        list(batches)
    assert "was killed or found no memory; take fewer of them (training.workers)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_shared_memory_ends_the_run_with_a_way_out(loader, monkeypatch):
    def fail(_):
        raise RuntimeError("unable to allocate shared memory(shm) for file </x>: No space left on device (28)")

    monkeypatch.setattr("melanoma.data.dataset.default_collate", fail)
    with pytest.raises(DataError, match=r"more memory, shared memory \(/dev/shm\) included"):
        rows(loader())


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
    assert some.faults.unreadable == {"im07": "is empty (0 bytes)"}
    assert [record.message for record in caplog.records] == ["skipped image im07: is empty (0 bytes)"]


def test_a_batch_of_unreadable_images_alone_is_left_out(loader, folder):
    for row in range(5):
        (folder / f"im{row:02d}.png").write_bytes(b"")
    some = loader("data.on_error=skip", "data.max_bad_fraction=0.5", learn=False)
    assert [len(batch["index"]) for batch in some.epoch()] == [5, 2]
    assert sorted(some.faults.unreadable) == [f"im{row:02d}" for row in range(5)]


@pytest.mark.parametrize(("fraction", "count"), [(0.1, 2), (0.05, 1), (0, 1)])
def test_more_unreadable_images_than_allowed_end_the_run(loader, folder, fraction, count):
    for name in ("im02", "im07", "im09"):
        (folder / f"{name}.png").write_bytes(b"")
    some = loader("data.on_error=skip", f"data.max_bad_fraction={fraction}", learn=False)
    with pytest.raises(DataError) as caught:
        rows(some)
    message = str(caught.value)
    assert f"{count} of 12 images cannot be read (the last was image im0" in message
    assert message.endswith(f"): more than data.max_bad_fraction={float(fraction)} allows")
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


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_waits_until_the_worker_processes_are_started(loader, monkeypatch):
    started = []

    class Batches:
        def __iter__(self):
            signal.raise_signal(signal.SIGINT)
            started.append(True)
            return iter(())

    one = loader()
    monkeypatch.setattr(one, "_batches", Batches())
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        rows(one)
    assert started
    assert signal.getsignal(signal.SIGINT) is handler
