import numpy as np
import pandas as pd
import pytest

from melanoma.data.loader import Loader, make_loader
from melanoma.data.readers import make_reader
from melanoma.data.sampling import EpochSampler, balanced, shuffled
from melanoma.data.splits import draw_splits
from melanoma.errors import DataError

TARGET = pd.Series([0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0], dtype="Int64", index=range(50, 61))


def keys(sampler, epoch=0):
    sampler.epoch = epoch
    found = list(sampler)
    assert len(found) == len(sampler)
    return found


@pytest.mark.parametrize("length", [100, 101])
def test_a_balanced_epoch_is_as_long_as_the_table_and_half_positive(length):
    target = pd.Series(np.arange(length) < 3).astype("Int64")
    rows = [row for _, row, _ in keys(EpochSampler(length, balanced(target)))]
    assert len(rows) == length
    assert sum(row < 3 for row in rows) == length // 2
    assert set(rows) <= set(range(length))


def test_a_balanced_epoch_depends_on_seed_and_epoch_alone():
    def orders(seed):
        sampler = EpochSampler(11, balanced(TARGET), seed=seed)
        return [keys(sampler, epoch) for epoch in (2, 0, 1)]

    first = orders(0)
    assert orders(0) == first
    other = orders(1)
    assert len({tuple(row for _, row, _ in order) for order in first + other}) == 6


def test_every_row_is_drawn_sooner_or_later():
    sampler = EpochSampler(11, balanced(TARGET))
    assert {row for epoch in range(30) for _, row, _ in keys(sampler, epoch)} == set(range(11))


def test_copies_count_up_from_0_for_each_row():
    found = keys(EpochSampler(11, balanced(TARGET)), 5)
    seen = {}
    for epoch, row, copy in found:
        assert (epoch, copy) == (5, seen.get(row, 0))
        seen[row] = copy + 1
    assert max(seen.values()) > 1


@pytest.mark.parametrize("target", [[0, 0, 0], [1, 1]])
def test_one_class_cannot_be_balanced(target):
    with pytest.raises(DataError, match=r"training\.balance=sampler draws from both classes"):
        balanced(pd.Series(target, dtype="Int64"))


@pytest.mark.parametrize("draw", [shuffled(11), balanced(TARGET)], ids=["shuffled", "balanced"])
def test_training_ranks_share_the_order_in_equal_whole_batches(draw):
    shares = [keys(EpochSampler(11, draw, seed=3, batch_size=2, rank=rank, ranks=2), 1) for rank in (0, 1)]
    assert [len(share) for share in shares] == [4, 4]
    together = [key for pair in zip(*shares, strict=True) for key in pair]
    assert together == keys(EpochSampler(11, draw, seed=3, batch_size=4), 1)
    assert len(set(together)) == 8


@pytest.mark.parametrize(("ranks", "each"), [(1, 7), (2, 3), (7, 1)])
def test_a_split_smaller_than_a_batch_is_shared_in_equal_parts(ranks, each):
    shares = [keys(EpochSampler(7, shuffled(7), batch_size=16, rank=rank, ranks=ranks)) for rank in range(ranks)]
    assert [len(share) for share in shares] == [each] * ranks
    assert len({key for share in shares for key in share}) == each * ranks


def test_fewer_rows_than_processes_are_refused():
    with pytest.raises(DataError, match="the training split's 3 images are too few for 4 processes"):
        EpochSampler(3, shuffled(3), batch_size=2, rank=0, ranks=4)


@pytest.mark.parametrize("ranks", [1, 2, 5, 20])
def test_evaluation_ranks_see_every_row_exactly_once_and_none_is_repeated(ranks):
    shares = [keys(EpochSampler(11, batch_size=4, rank=rank, ranks=ranks), 7) for rank in range(ranks)]
    assert sorted(key for share in shares for key in share) == [(7, row, 0) for row in range(11)]
    assert all(share == sorted(share) for share in shares)


@pytest.fixture
def splits(images, configure):
    """The table with one positive in four and a patient for each row, and its split."""
    table = images.assign(patient_id=images["image_name"], target=(images.index % 4 == 0).astype(int))
    table = table.astype({"target": "Int64"})
    return table, draw_splits(table, configure("split.test_fraction=0.25", "split.val_fraction=0.25").split)


@pytest.fixture
def loader(configure):
    def make(table, learn: bool) -> Loader:
        config = configure("training.balance=sampler", "training.batch_size=2")
        reader = make_reader(config.data, config.reader)
        return make_loader(table, reader, config, learn=learn, workers=0, pin_memory=False)

    return make


def rows(loader, epoch):
    return [row for batch in loader.epoch(epoch) for row in batch["index"].tolist()]


def test_the_sampler_draws_from_the_training_split_alone(loader, splits):
    table, split = splits
    training = table[split == "train"]
    balanced = loader(training, learn=True)
    drawn = [row for epoch in range(40) for row in rows(balanced, epoch)]
    names = set(balanced.table["image_name"].iloc[drawn])
    assert names == set(training["image_name"])
    assert names.isdisjoint(table.loc[split != "train", "image_name"])
    assert len(drawn) == 40 * (len(training) // 2 * 2)
    positives = (balanced.table["target"].iloc[drawn] == 1).mean()
    assert 0.4 < positives < 0.6
    assert (training["target"] == 1).mean() < 0.4


@pytest.mark.parametrize("name", ["val", "test", "train"])
def test_a_loader_to_evaluate_never_over_samples(loader, splits, name):
    table, split = splits
    part = table[split == name]
    assert rows(loader(part, learn=False), 3) == list(range(len(part)))
