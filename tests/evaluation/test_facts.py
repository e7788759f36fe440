import re

import pytest

from melanoma.config import EvalConfig, compose, resolve
from melanoma.evaluation.facts import describe_evaluation, describe_members, name_scorer
from melanoma.evaluation.members import score_members


def described(*words):
    config = resolve(compose("eval", ["device=cpu", *words]), EvalConfig)
    members = score_members(config)
    return describe_members(members, config, "a rule"), name_scorer(members, config)


def test_one_checkpoint_is_named_by_its_file(trained):
    facts, scorer = described(f"checkpoint={trained}/checkpoints/best.pt")
    assert facts["Checkpoint"].startswith("best.pt, epoch ")
    assert (facts["Model"], facts["Threshold"], scorer) == ("standard on test_resnet", "a rule", "the model")
    assert "Put together" not in facts
    assert facts["Images in training"].endswith("9 for the test")
    assert re.fullmatch(r"SHA-256 [0-9a-f]{16}", facts["Config of training"])
    assert facts["Training"].endswith("weighted loss, seed 0")


def test_an_evaluation_says_what_decides_its_figures():
    config = resolve(compose("eval", ["predictions=a.csv", "seed=3"]), EvalConfig)
    assert "2,000 draws of patients, seed 3" in describe_evaluation(config)


@pytest.mark.parametrize(
    ("how", "scorer"), [("logits", "the mean logit of 2 models"), ("ranks", "the mean rank of 2 models")]
)
def test_several_are_named_by_their_runs_and_a_value_they_share_once(trained, member, how, scorer):
    facts, named = described(f"checkpoint=[{trained},{member('other')}]", f"ensemble={how}")
    assert named == scorer
    assert [name.split(",")[0] for name in facts["Checkpoints"].split("; ")] == ["tiny", "other"]
    assert (facts["Model"], facts["Image size"]) == ("2 x standard on test_resnet", "32 px, squash")
    assert facts["Put together"].startswith(f"mean of the {how}")
    assert not any("/tmp" in value or str(trained.parent) in value for value in facts.values())
