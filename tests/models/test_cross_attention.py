import pytest
import torch

from melanoma.models.metadata import MetadataTokens

FIELDS = ("site", "sex", "age")


@pytest.fixture
def model(lively):
    return lively("cross_attention").eval()


def unknown(values):
    return torch.full_like(values, torch.nan if values.is_floating_point() else 0)


def disturb(model, *, known):
    """Put noise in the place of the vectors of all known fields, or of all unknown ones."""

    def replaced(tokens, given, vectors):
        chosen = tokens.known(*given) == known
        return torch.where(chosen[:, :, None], torch.randn(vectors.shape), vectors)

    found = [module for module in model.modules() if isinstance(module, MetadataTokens)]
    assert found
    for tokens in found:
        tokens.register_forward_hook(replaced)


def test_vectors_of_unknown_fields_have_no_influence(model, batch):
    before = model(*batch())
    disturb(model, known=False)
    assert torch.equal(model(*batch()), before)


def test_vectors_of_known_fields_have(model, batch):
    before = model(*batch())
    disturb(model, known=True)
    # All of its images but one have a field that is known.
    assert (model(*batch()) != before).all()


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_changes_the_logit_of_an_image(model, batch, field):
    image, *metadata = batch()
    left_out = [unknown(values) if name == field else values for name, values in zip(FIELDS, metadata, strict=True)]
    known = dict(zip(FIELDS, (metadata[0] > 0, metadata[1] > 0, ~metadata[2].isnan()), strict=True))[field]
    assert torch.equal(model(image, *metadata) != model(image, *left_out), known)


def test_with_nothing_known_the_shared_head_decides(model, batch):
    image, *metadata = batch()
    shared = model.classifier(model.backbone.tokens(image).mean(1)).squeeze(1)
    assert torch.equal(model(image, *map(unknown, metadata)), shared)


def test_what_a_field_adds_depends_on_the_image(model, batch):
    image, *metadata = batch()
    alike = [values[:1].expand(8) for values in metadata]
    corrections = model(image, *alike) - model(image, *map(unknown, alike))
    assert corrections.std() > 0.01


@pytest.mark.parametrize("depth", [1, 2])
def test_the_map_shares_out_1_among_the_cells_where_anything_is_known(lively, batch, depth):
    model = lively("cross_attention", size=96, depth=depth).eval()
    image, site, sex, age = batch(8, 96)
    known = (site > 0) | (sex > 0) | ~age.isnan()
    shares = model.attention_map(image, site, sex, age)
    assert shares.shape == (8, 3, 3)
    assert shares.std() > 1e-3
    torch.testing.assert_close(shares.sum((1, 2)), known.float())
    assert not model.attention_map(image, *map(unknown, (site, sex, age))).any()


def test_the_map_is_the_mean_over_known_fields(model, batch):
    image, site, sex, age = batch()
    alone = [
        model.attention_map(image, site, unknown(sex), unknown(age)),
        model.attention_map(image, unknown(site), sex, unknown(age)),
    ]
    both = (site > 0) & (sex > 0)
    found = model.attention_map(image, site, sex, unknown(age))
    assert both.any()
    torch.testing.assert_close(found[both], torch.stack(alone).mean(0)[both])
