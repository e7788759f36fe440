import pytest
import torch
from torch import nn

from melanoma.models import build_model
from melanoma.training.step import launch, train_step


def draw(count, seed=0):
    random = torch.Generator().manual_seed(seed)
    return {
        "image": torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=random),
        "site": torch.zeros(count, dtype=torch.int64),
        "sex": torch.zeros(count, dtype=torch.int64),
        "age": torch.full((count,), 50.0),
        "target": torch.arange(count).remainder(3).eq(0).float(),
        "index": torch.arange(count),
    }


def cut(batch, *sizes):
    pieces = zip(*(values.split(sizes) for values in batch.values()), strict=True)
    return [dict(zip(batch, piece, strict=True)) for piece in pieces]


@pytest.fixture
def network(train_config):
    """Build a small network whose classifier does not start at 0."""

    def build(name):
        torch.manual_seed(0)
        model = build_model(train_config(f"model.backbone={name}", "model.drop_rate=0").model, 32)
        nn.init.normal_(model.classifier.weight)
        return model.train()

    return build


def test_one_step_is_plain_adam(trainee):
    batch = draw(12)
    plain = nn.Linear(3, 1)
    plain.load_state_dict(trainee.model.linear.state_dict())
    optimizer = torch.optim.Adam(plain.parameters(), lr=0.1, betas=(0.9, 0.999), weight_decay=1e-5)
    logits = plain(batch["image"].float().mean((2, 3)) / 255).squeeze(1)
    by_hand = nn.functional.binary_cross_entropy_with_logits(logits, batch["target"], pos_weight=torch.tensor(2.0))
    by_hand.backward()
    optimizer.step()
    loss, images = train_step(trainee, [batch])
    assert (loss, images) == (pytest.approx(by_hand.item()), 12)
    for ours, theirs in zip(trainee.model.linear.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("sizes", [(8, 8), (8, 5, 3)])
def test_accumulated_gradients_are_those_of_the_large_batch(make_trainee, network, sizes):
    model = network("test_vit")  # without batch statistics
    whole, parts = make_trainee(model=model), make_trainee(model=model)
    together, _ = launch(whole, [draw(16)])
    apart, images = launch(parts, cut(draw(16), *sizes))
    assert images == 16
    torch.testing.assert_close(apart, together)
    for ours, theirs in zip(parts.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_gradients_are_clipped_to_the_length_asked_for(make_trainee):
    trainee = make_trainee("training.clip_norm=0.01")
    train_step(trainee, [draw(12)])
    gradients = [parameter.grad for parameter in trainee.model.parameters()]
    assert torch.nn.utils.get_total_norm(gradients).item() == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("fault", ["loss", "gradient"])
def test_a_step_that_is_not_finite_changes_nothing(make_trainee, network, fault):
    trainee = make_trainee(model=network("test_resnet"))
    train_step(trainee, [draw(8)])
    before = {name: value.clone() for name, value in trainee.model.state_dict().items()}
    batch = draw(8, seed=1)
    if fault == "loss":
        batch["target"][0] = torch.nan
    else:
        next(trainee.model.parameters()).register_hook(lambda gradient: gradient * torch.inf)
    assert train_step(trainee, [batch]) == (None, 8)
    for name, value in trainee.model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_no_image_is_no_step(trainee):
    before = trainee.model.linear.weight.clone()
    assert train_step(trainee, []) == (0.0, 0)
    assert torch.equal(trainee.model.linear.weight, before)


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet"])
def test_computing_activations_again_changes_no_result(make_trainee, network, name):
    model = network(name)
    plain = make_trainee(model=model)
    again = make_trainee("training.activation_checkpointing=true", model=model)
    again.model.backbone.checkpoint_activations()
    for seed in (1, 2):
        assert train_step(plain, [draw(8, seed)]) == train_step(again, [draw(8, seed)])
    for (key, ours), theirs in zip(again.model.state_dict().items(), plain.model.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), key
