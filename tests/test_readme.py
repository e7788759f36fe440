"""What the README and the pages below docs tell people to type has to work."""

import re
import shlex
from pathlib import Path

import pytest

from melanoma.config import (
    CompareConfig,
    EvalConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    TrainConfig,
    TuneConfig,
    compose,
    resolve,
)
from melanoma.config.command_line import separate_data_sets, trials_option

ROOT = Path(__file__).parents[1]
README = ROOT.joinpath("README.md").read_text()
PAGES = "\n".join([README, *(path.read_text() for path in sorted(ROOT.joinpath("docs").glob("*.md")))])
SCHEMAS = {
    "train": TrainConfig,
    "eval": EvalConfig,
    "compare": CompareConfig,
    "predict": PredictConfig,
    "export": ExportConfig,
    "prepare": PrepareConfig,
    "tune": TuneConfig,
}
COMMANDS = re.findall(r"^melanoma-(train|eval|predict|export|compare|prepare|tune) (.*)$", PAGES, re.MULTILINE)


def test_it_fits_on_a_few_screens():
    assert README.count("\n") < 200


def test_every_command_is_found():
    assert len(COMMANDS) >= 24


@pytest.mark.parametrize(("command", "line"), COMMANDS)
def test_every_command_s_options_resolve(command, line, tmp_path):
    words = shlex.split(line, comments=True)
    if "--config-dir" in words:
        place = words.index("--config-dir")
        del words[place : place + 2]
        words.append(f"hydra.searchpath=[file://{own_config(tmp_path)}]")
    words = [part for word in words for part in separate_data_sets(word)]
    words = trials_option(words)
    # The first job of a sweep.
    overrides = [re.sub(r"=range\(\d+\)$", "=0", re.sub(r",[^\[\]]*$", "", word)) for word in words if "=" in word]
    resolve(compose(command, overrides), SCHEMAS[command])


def own_config(folder):
    block = re.search(r"```yaml\n# conf/(\S+)\n(.*?)```", PAGES, re.DOTALL)
    path = folder / block[1]
    path.parent.mkdir()
    path.write_text(block[2])
    return folder


def test_the_example_of_one_s_own_data_reads_a_table(tmp_path):
    from melanoma.data.records import read_records

    (tmp_path / "lesions.csv").write_text(
        "file,patient,sex,age,site,histology\na,001,Frau,50,Back,melanoma\nb,01,mann,,not told,seborrheic keratosis\n"
    )
    overrides = [f"hydra.searchpath=[file://{own_config(tmp_path)}]", "data=clinic", f"data.root={tmp_path}"]
    table = read_records(resolve(compose("train", overrides), TrainConfig).data)
    assert table["patient_id"].tolist() == ["001", "01"]
    assert table["sex"].tolist() == ["female", "male"]
    assert table["target"].tolist() == [1, 0]
    assert table["anatom_site_general_challenge"].fillna("").tolist() == ["torso", ""]
    assert table["lesion_id"].isna().all()
