"""What every variant owes the rest of the package, whatever its network."""

import pytest
import torch

from melanoma.models import MODELS, build_model
from melanoma.training.optim import make_optimizer

NETWORKS = ["test_resnet", "test_vit", "test_efficientnet"]

slow = pytest.mark.slow
every_variant = pytest.mark.parametrize("variant", MODELS)
every_network = pytest.mark.parametrize("network", NETWORKS)
one_network_more = pytest.mark.parametrize("network", [*NETWORKS, "test_convnext"])


@pytest.fixture
def model(lively, variant, network):
    return lively(variant, network).eval()


def first(batch, count):
    return tuple(value[:count] for value in batch)


@every_variant
@one_network_more
def test_a_batch_gives_one_float_logit_an_image(model, batch):
    logits = model(*batch())
    assert logits.shape == (8,)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert logits.unique().numel() == 8


@every_variant
@one_network_more
def test_gradient_reaches_every_parameter(model, batch):
    model(*batch()).square().sum().backward()
    # Rounding alone gives 1e-6 to a weight that cannot change a logit.
    dead = [name for name, value in model.named_parameters() if value.grad is None or value.grad.abs().max() < 1e-5]
    assert dead == []
    assert all(value.grad.isfinite().all() for value in model.parameters())


@every_variant
@every_network
def test_unknown_metadata_give_the_same_finite_logits_each_time(model, batch):
    image, site, sex, age = batch()
    unknown = image, torch.zeros_like(site), torch.zeros_like(sex), torch.full_like(age, torch.nan)
    logits = model(*unknown)
    assert logits.isfinite().all()
    assert torch.equal(logits, model(*unknown))


@every_variant
@one_network_more
def test_a_batch_of_one_equals_its_row_of_a_batch(model, batch):
    alone = torch.cat([model(*(value[row : row + 1] for value in batch())) for row in range(8)])
    torch.testing.assert_close(alone, model(*batch()), rtol=1e-4, atol=1e-4)


@every_variant
@one_network_more
def test_channels_last_gives_the_same_logits(model, batch):
    image, *metadata = batch()
    expected = model(image, *metadata)
    again = model.to(memory_format=torch.channels_last)(image.to(memory_format=torch.channels_last), *metadata)
    torch.testing.assert_close(again, expected, rtol=1e-4, atol=1e-4)


@every_variant
@every_network
def test_bf16_stays_near_fp32(model, batch):
    expected = model(*batch())
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(*batch())
    assert logits.dtype == torch.float32
    # bf16 rounds each layer's output by up to 1 part in 512, and some twenty layers add up: 8 % of the differences
    # between images at most, in these networks of random weights.
    assert 0 < (logits - expected).abs().max() < 0.15 * expected.std()


@every_variant
@every_network
def test_saved_weights_give_the_same_logits(model, model_config, variant, network, batch, tmp_path):
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    again = build_model(model_config(variant, network), 64).eval()
    assert not torch.equal(again(*batch()), model(*batch()))
    again.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(again(*batch()), model(*batch()))


@every_variant
@one_network_more
def test_it_starts_at_logit_0(model_config, variant, network, batch):
    assert build_model(model_config(variant, network), 64)(*batch()).tolist() == [0.0] * 8


@every_variant
@every_network
def test_it_learns_8_images_by_heart(model_config, training_config, variant, network, batch):
    torch.manual_seed(0)
    model = build_model(model_config(variant, network), 64)
    # Metadata that tell the images apart would do without them.
    inputs = batch()[0], torch.full((8,), 4), torch.ones(8, dtype=torch.long), torch.full((8,), 50.0)
    optimizer, target = make_optimizer(model, training_config(lr=3e-3)), torch.tensor([0.0, 1] * 4)
    for _ in range(150):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(*inputs), target)
        if loss < 0.05:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05


@every_variant
@pytest.mark.parametrize("network", ["test_resnet", *(pytest.param(name, marks=slow) for name in NETWORKS[1:])])
def test_it_compiles_whole(lively, model, variant, network, batch):
    plain = lively(variant, network).eval()
    logits, expected = torch.compile(model, backend="aot_eager", fullgraph=True)(*batch()), plain(*batch())
    torch.testing.assert_close(logits, expected)
    logits.sum().backward()
    expected.sum().backward()
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5 * theirs.grad.abs().max().item())
    torch._dynamo.reset()


@every_variant
@every_network
def test_it_exports_for_any_batch_size(model, batch):
    rows = torch.export.Dim("rows")
    with torch.no_grad():
        exported = torch.export.export(model, first(batch(), 4), dynamic_shapes=({0: rows},) * 4).module()
        for count in (2, 8):
            torch.testing.assert_close(exported(*first(batch(), count)), model(*first(batch(), count)))


@slow
@every_variant
@pytest.mark.parametrize("network", ["test_resnet"])
def test_inductor_gives_the_same_logits(model, batch):
    with torch.no_grad():
        compiled = torch.compile(model, fullgraph=True)(*batch())
        torch.testing.assert_close(compiled, model(*batch()), rtol=1e-3, atol=1e-3)
    torch._dynamo.reset()
