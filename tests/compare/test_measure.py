import json

import pandas as pd
import pytest

from melanoma.compare.measure import measure, scoring_config
from melanoma.config import CompareConfig, EvalConfig, compose, resolve
from melanoma.errors import DataError
from melanoma.evaluation.run import evaluate
from melanoma.evaluation.scoring import open_checkpoint


@pytest.fixture
def measured(trained):
    """Measure the run of this checkpoint, as if its directory were another one."""

    def run(directory=trained):
        config = resolve(compose("compare", ["runs=x", "device=cpu"]), CompareConfig)
        asked = scoring_config(config, trained / "checkpoints/best.pt")
        return measure(open_checkpoint(asked), asked, directory, "name")

    return run


def test_the_figures_are_those_of_an_evaluation(measured, trained, tmp_path):
    checkpoint = f"checkpoint={trained}/checkpoints/best.pt"
    evaluate(resolve(compose("eval", [checkpoint, "device=cpu"]), EvalConfig), tmp_path)
    alone, figures = json.loads((tmp_path / "metrics.json").read_text()), measured().figures
    own = alone.keys() & figures.keys() - {"auc_ci_low", "auc_ci_high", "inference_ms_per_image"}
    assert own >= {"auc", "recall", "precision", "specificity", "f1", "accuracy", "model_megabytes"}
    assert {key: alone[key] for key in own} == {key: figures[key] for key in own}


def test_the_cost_is_the_run_s_own(measured, trained):
    run = measured()
    history = pd.read_csv(trained / "history.csv")
    assert run.figures["epochs"] == len(history) == 2
    assert run.figures["epoch_seconds"] == pytest.approx(history["epoch_seconds"].mean())  # the median of two
    megabytes = run.figures["model_megabytes"]
    assert run.figures["parameters"] * 4 / 1e6 == pytest.approx(megabytes, rel=0.05)  # the rest are batch statistics
    assert run.figures["inference_peak_megabytes_batch_16"] > megabytes + 16 * 3 * 32 * 32 * 4 / 1e6
    assert run.figures["inference_ms_per_image_batch_16"] > 0
    assert run.facts["Directory"] == f"{trained.parent.name}/{trained.name}"


def test_a_run_without_a_history_is_compared_without_it(measured, tmp_path):
    run = measured(tmp_path)
    assert (run.history, run.figures["epochs"], run.figures["epoch_seconds"]) == (None, None, None)
    assert run.facts["Training device"] == "not known"


@pytest.mark.parametrize(
    "text", ["", "\0", "epoch,val/auc\n1,0.5\n", "epoch,epoch_seconds,val/auc,val/loss\n1,fast,0.5,1\n",
             "epoch,epoch_seconds,val/auc,val/loss\n1,,0.5,1\n", "epoch,epoch_seconds,val/auc,val/loss\n"]
)  # fmt: skip
def test_a_damaged_history_is_named(measured, tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(DataError, match=r"history\.csv .* remove it to compare without it"):
        measured(tmp_path)
