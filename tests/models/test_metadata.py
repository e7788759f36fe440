import numpy as np
import pytest
import torch

from melanoma.models.metadata import MetadataFeatures, MetadataTokens, drop_metadata
from melanoma.vocabulary import SEXES, SITES

FIELDS = ["sex", "age", "site"]


@pytest.fixture
def tokens():
    torch.manual_seed(0)
    return MetadataTokens(FIELDS, 8)


def codes(count, fill=0):
    return torch.full((count,), fill)


def ages(*years):
    return torch.tensor(years)


def test_every_site_and_sex_and_unknown_has_its_own_vector(tokens):
    sites, sexes = torch.arange(len(SITES) + 1), torch.arange(len(SEXES) + 1)
    by_site = tokens(sites, codes(7), codes(7).float())[:, 2]
    by_sex = tokens(codes(3), sexes, codes(3).float())[:, 0]
    assert by_site.unique(dim=0).shape == (7, 8)
    assert by_sex.unique(dim=0).shape == (3, 8)


@pytest.mark.parametrize("code", [-1, len(SITES) + 1])
def test_a_code_outside_the_vocabulary_is_no_site(tokens, code):
    with pytest.raises(IndexError):
        tokens(codes(1, code), codes(1), ages(50.0))


def test_what_is_known(tokens):
    known = tokens.known(torch.tensor([0, 6]), torch.tensor([2, 0]), ages(0.0, torch.nan))
    assert known.tolist() == [[True, True, False], [False, False, True]]


def test_vectors_come_in_the_order_of_the_fields():
    tokens = MetadataTokens(["site", "age"], 8)
    first, second = tokens(torch.tensor([1, 2]), codes(2), ages(30.0, 30.0))
    assert not torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_every_age_and_unknown_has_its_own_vector(tokens):
    vectors = tokens(codes(5), codes(5), ages(0.0, 25.0, 50.0, 75.0, torch.nan))[:, 1]
    assert vectors.isfinite().all()
    assert vectors.unique(dim=0).shape == (5, 8)


def test_every_kind_of_nan_is_one_unknown_age(tokens):
    patterns = np.array([0x7FC00000, 0xFFC00000, 0x7F800001, 0x7FFFFFFF], dtype=np.uint32).view(np.float32)
    vectors = tokens(codes(4), codes(4), torch.from_numpy(patterns))
    assert vectors.isfinite().all()
    assert torch.equal(vectors, vectors[:1].expand_as(vectors))


def test_an_unknown_age_leaves_gradients_finite():
    features = MetadataFeatures(FIELDS, 8)
    features(codes(2), codes(2), ages(torch.nan, 40.0)).sum().backward()
    assert all(value.grad.isfinite().all() for value in features.parameters())


def test_fields_are_dropped_as_often_as_asked_and_each_by_itself():
    torch.manual_seed(0)
    given = codes(20_000, 3), codes(20_000, 1), torch.full((20_000,), 50.0)
    site, sex, age = drop_metadata(*given, 0.3)
    dropped = torch.stack([site == 0, sex == 0, age.isnan()]).double()
    torch.testing.assert_close(dropped.mean(1), torch.full((3,), 0.3).double(), rtol=0, atol=0.015)
    torch.testing.assert_close(dropped.corrcoef(), torch.eye(3).double(), rtol=0, atol=0.03)
    assert (given[0] == 3).all()


def test_what_is_unknown_stays_unknown():
    site, sex, age = drop_metadata(codes(9), codes(9), torch.full((9,), torch.nan), 0.5)
    assert not site.any()
    assert not sex.any()
    assert age.isnan().all()


@pytest.mark.parametrize(("variant", "changes"), [("standard", {"metadata": FIELDS}), ("cross_attention", {})])
def test_models_drop_metadata_in_training_alone(lively, variant, changes):
    model = lively(variant, metadata_dropout=0.5, **changes)
    seen = []
    for module in model.modules():
        if isinstance(module, MetadataTokens):
            module.register_forward_pre_hook(lambda _, given: seen.append(given))
    given = codes(200, 3), codes(200, 1), torch.full((200,), 50.0)
    image = torch.zeros(200, 3, 32, 32, dtype=torch.uint8)
    model.eval()(image, *given)
    assert all(torch.equal(ours, theirs) for batch in seen for ours, theirs in zip(batch, given, strict=True))
    seen.clear()
    model.train()(image, *given)
    assert seen
    for site, sex, age in seen:
        shares = [part.float().mean().item() for part in (site == 0, sex == 0, age.isnan())]
        assert shares == pytest.approx([0.5] * 3, abs=0.15)
