import pytest

from melanoma.config import EvalConfig, compose, resolve
from melanoma.errors import ConfigError
from melanoma.evaluation.members import score_members


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["explain=attention"], "explain=attention needs a checkpoint of model=self_attention or cross_attention"),
        (["explain=grad_cam", "explain_images=[ISIC_x]"], "explain_images: ISIC_x is not among the"),
        (["explain_images=[a]"], "add explain=grad_cam"),
        (["explain=gradcam"], "did you mean grad_cam"),
    ],
)
def test_what_cannot_be_explained_ends_before_scoring(trained, demo_root, options, fault, monkeypatch):
    def score(*_):
        raise AssertionError("scored")

    monkeypatch.setattr("melanoma.evaluation.members.score", score)
    with pytest.raises(ConfigError, match=fault):
        score_members(resolve(compose("eval", [f"checkpoint={trained}", "device=cpu", *options]), EvalConfig))


def test_one_checkpoint_is_explained_at_a_time(member):
    words = [f"checkpoint=[{member('a')},{member('b')}]", "device=cpu", "explain=grad_cam"]
    with pytest.raises(ConfigError, match="explains one checkpoint, and there are 2; name one"):
        score_members(resolve(compose("eval", words), EvalConfig))


def test_a_file_of_predictions_has_no_images_to_explain():
    with pytest.raises(ConfigError, match="explain needs a checkpoint and its images"):
        resolve(compose("eval", ["predictions=x.csv", "explain=grad_cam"]), EvalConfig)
