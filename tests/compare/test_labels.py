import pytest

from melanoma.compare.labels import label_runs


@pytest.fixture
def labels(train_config):
    """Label runs of these overrides."""
    from dataclasses import asdict

    return lambda *runs: label_runs([asdict(train_config(*overrides)) for overrides in runs])


def test_a_model_of_its_own_needs_no_more(labels):
    assert labels(["seed=0"], ["model=multi_scale", "model.backbone=test_resnet", "seed=1"]) == [
        "standard",
        "multi_scale",
    ]


def test_runs_of_one_model_say_what_differs(labels):
    assert labels(["seed=0", "training.lr=1e-4"], ["seed=1", "training.lr=2"], ["model=multi_scale"]) == [
        "standard seed=0 lr=0.0001",
        "standard seed=1 lr=2",
        "multi_scale",
    ]


def test_a_word_that_two_options_share_is_given_in_full(labels):
    assert labels(["split.seed=0"], ["split.seed=1"]) == ["standard split.seed=0", "standard split.seed=1"]


def test_where_and_how_fast_a_run_went_is_no_difference(labels):
    assert labels(["device=cpu"], ["device=auto", "cache=/x", "training.workers=3"]) == ["standard #1", "standard #2"]


def test_of_the_data_only_the_sets_count(labels):
    with_more = "+data@data.extra.isic_2019=isic_2019"
    assert labels(["data.root=/x"], [with_more]) == ["standard data=demo", "standard data=demo+isic_2019"]


def test_weights_are_named_without_their_folder(labels):
    files = ["model.pretrained=true", "model.weights=/home/ann/a.pth"], ["model.pretrained=true", "model.weights=b.pth"]
    assert labels(*files) == ["standard weights=a.pth", "standard weights=b.pth"]
