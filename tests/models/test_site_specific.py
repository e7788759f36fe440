import pytest
import torch

from melanoma.models import build_model
from melanoma.training.optim import make_optimizer
from melanoma.vocabulary import SITES

RARE, COMMON = SITES.index("palms/soles") + 1, SITES.index("torso") + 1


def shared_logits(model, image):
    return model.classifier(model.backbone.pool(model.backbone(image))).squeeze(1)


def step(optimizer, logits, target, pos_weight=None):
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, pos_weight=pos_weight)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def everywhere(site, count=8):
    return torch.full((count,), site)


def test_an_unknown_site_takes_the_shared_head_alone(lively, batch):
    model = lively("site_specific").eval()
    image, site, sex, age = batch()
    assert torch.equal(model(image, everywhere(0), sex, age), shared_logits(model, image))
    assert torch.equal(model(image, site, sex, age) != shared_logits(model, image), site > 0)


def test_a_site_never_met_in_training_takes_the_shared_head_alone(model_config, training_config, batch):
    model = build_model(model_config("site_specific"), 64).train()
    image, site, sex, age = batch()
    optimizer, target = make_optimizer(model, training_config(lr=1e-2)), torch.tensor([0.0, 1] * 4)
    for _ in range(10):
        step(optimizer, model(image, site.where(site != RARE, COMMON), sex, age), target)
    model.eval()
    shared = shared_logits(model, image)
    assert torch.equal(model(image, everywhere(RARE), sex, age), shared)
    assert (model(image, everywhere(COMMON), sex, age) != shared).all()


def test_each_image_takes_the_branch_of_its_own_site(lively, batch):
    model = lively("site_specific").eval()
    image, site, sex, age = batch()
    routed = model(image, site, sex, age)
    for row in range(8):
        alone = model(image, everywhere(site[row]), sex, age)
        assert alone[row] == routed[row]
    of_one_image = torch.cat(
        [model(image[:1], everywhere(code, 1), sex[:1], age[:1]) for code in range(len(SITES) + 1)]
    )
    assert of_one_image.unique().numel() == len(SITES) + 1


def test_an_image_teaches_the_branch_of_its_own_site_alone(lively, batch):
    model = lively("site_specific").eval()
    image, _, sex, age = batch()
    before = {code: model(image, everywhere(code), sex, age) for code in (RARE, COMMON)}
    optimizer = torch.optim.SGD(model.branches.parameters(), lr=1.0)
    step(optimizer, model(image, everywhere(COMMON), sex, age), torch.ones(8))
    assert torch.equal(model(image, everywhere(RARE), sex, age), before[RARE])
    assert not torch.equal(model(image, everywhere(COMMON), sex, age), before[COMMON])


def trained_head(model_config, training_config, **changes):
    """Train the head on random features of 10,000 images, a twentieth of them positive.

    The rare site has 100 images and 5 positives, which nothing tells apart: of all images, the share that palms/soles
    have in SIIM-ISIC. Elsewhere one feature tells, on the common site another.
    """
    torch.manual_seed(0)
    model = build_model(model_config("site_specific", freeze_backbone=True, branch_width=64, **changes), 32)
    features, site = torch.randn(10_000, model.backbone.channels), everywhere(COMMON, 10_000)
    site[:5000], site[:100] = 1, RARE
    target = (torch.randn(10_000) + torch.where(site == COMMON, features[:, 0], features[:, 1]) > 2.33).float()
    target[:100] = torch.arange(100) < 5
    optimizer = make_optimizer(model, training_config(lr=3e-3))
    for rows in torch.randint(10_000, (600, 64)):
        logits = model.classifier(features[rows]).squeeze(1) + model.branches(features[rows], site[rows])
        step(optimizer, logits, target[rows], (1 - target).sum() / target.sum())
    return model


def corrections(model, site):
    features = torch.randn(1000, model.backbone.channels)
    with torch.no_grad():
        return features, model.branches(features, everywhere(site, 1000))


def test_5_positives_cannot_run_away_with_their_site(model_config, training_config):
    model = trained_head(model_config, training_config)
    assert corrections(model, RARE)[1].abs().max() < 0.5
    features, common = corrections(model, COMMON)
    assert common[features[:, 0] > 1].mean() - common[features[:, 0] < -1].mean() > 2


def test_without_weight_decay_they_would(model_config, training_config):
    model = trained_head(model_config, training_config, branch_weight_decay=0.0)
    assert corrections(model, RARE)[1].abs().max() > 4


def test_sites_are_dropped_in_training_alone(lively, batch):
    model = lively("site_specific", "test_vit", site_dropout=0.3)
    image, _, sex, age = (values[:1].expand(300, *values.shape[1:]) for values in batch())
    site, shared = everywhere(COMMON, 300), shared_logits(model, image)
    assert (model.eval()(image, site, sex, age) != shared).all()
    dropped = (model.train()(image, site, sex, age) == shared).float().mean().item()
    assert dropped == pytest.approx(0.3, abs=0.1)
