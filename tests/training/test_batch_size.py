import pytest
import torch

from melanoma.checkpoint import load_checkpoint
from melanoma.compute import choose_compute
from melanoma.config import TrainConfig
from melanoma.models import build_model
from melanoma.training import batch_size
from melanoma.training.batch_size import find_batch_size
from melanoma.training.run import train


@pytest.fixture
def found(train_config):
    """Find the batch size of a small network, by its options."""

    def find(*options):
        config = train_config("training.batch_size=auto", *options)
        compute = choose_compute("cpu", "fp32", True)
        build = lambda: build_model(config.model, config.training.image_size)  # noqa: E731
        return find_batch_size(config, build, compute, most=10**6)

    return find


def test_twice_the_memory_holds_twice_the_images(found, monkeypatch):
    sizes = []
    for free in (20, 40, 80):
        monkeypatch.setattr(batch_size, "free_megabytes", lambda _, free=free: free)
        sizes.append(found())
    assert sizes[0] > 2
    assert sizes[1] / sizes[0] == pytest.approx(2, rel=0.2)
    assert sizes[2] / sizes[1] == pytest.approx(2, rel=0.1)


def test_a_batch_of_the_size_found_takes_the_memory_that_there_is(train_config, found, monkeypatch, make_trainee):
    from melanoma.memory import peak_megabytes
    from melanoma.training.step import train_step

    monkeypatch.setattr(batch_size, "free_megabytes", lambda _: 100)
    size = found()
    assert 100 < size < 1000
    trainee = make_trainee(model=build_model(train_config().model, 32))
    train_step(trainee, [batch_size._batch(trainee, size)])
    trainee.optimizer.zero_grad(set_to_none=True)
    peak = peak_megabytes(lambda: train_step(trainee, [batch_size._batch(trainee, size)]), torch.device("cpu"))
    assert 75 < peak < 90


def test_random_numbers_stay_as_they_were(found):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    found()
    assert torch.equal(torch.rand(1), expected)


def test_a_run_keeps_to_the_size_it_found(train_config, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_size, "free_megabytes", lambda _: 20)
    train(train_config("training.batch_size=auto"), tmp_path / "run")
    size = load_checkpoint(tmp_path / "run/checkpoints/last.pt", TrainConfig)[1].training.batch_size
    assert 2 <= size < 64
    monkeypatch.setattr(batch_size, "free_megabytes", lambda _: 1000)
    train(train_config("training.batch_size=auto", "training.epochs=2", "resume=auto"), tmp_path / "run")
    assert load_checkpoint(tmp_path / "run/checkpoints/last.pt", TrainConfig)[1].training.batch_size == size


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_want_of_memory_names_the_batch_that_would_fit(run, tiny, tmp_path, monkeypatch, error):
    import melanoma.training.loop as loop

    def wanting(*_):
        raise error

    monkeypatch.setattr(loop, "launch", wanting)
    monkeypatch.setattr(batch_size, "free_megabytes", lambda _: 5)
    code, _, err = run("train", *tiny, "training.batch_size=16", f"hydra.run.dir={tmp_path}/run")
    line = next(line for line in err.splitlines() if line.startswith("melanoma: "))
    assert code == 2
    assert "too little memory for training.batch_size=16 at training.image_size=32" in line
    assert int(line.split("training.batch_size=")[2].split()[0]) < 16
    assert "training.accumulate=N" in line


def test_two_images_that_do_not_fit_are_told(run, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_size, "free_megabytes", lambda _: 0.1)
    code, _, err = run("train", *tiny, "training.batch_size=auto", f"hydra.run.dir={tmp_path}/run")
    assert code == 2
    assert "not even two images fit" in err
