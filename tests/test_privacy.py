"""What DICOM headers say of a patient reaches the tables that are meant to hold it, and nothing else."""

import shutil

import pandas as pd
import pytest

from melanoma.data.demo.dicom import dicom_bytes

NAME = b"DOE^JANE"
TABLES = ("splits.csv", "predictions.csv", "predictions_val.csv")
"""Where patient ids belong."""


@pytest.fixture
def named(demo_root, tmp_path):
    """A data set whose DICOM headers name the patients, with a CSV of targets alone."""
    root = tmp_path / "named"
    (root / "train").mkdir(parents=True)
    table = pd.read_csv(demo_root / "train.csv")
    for case in table.to_dict("records"):
        named = case | {"patient_id": f"{NAME.decode()}^{case['patient_id']}"}
        jpeg = (demo_root / f"jpeg/train/{case['image_name']}.jpg").read_bytes()
        (root / f"train/{case['image_name']}.dcm").write_bytes(dicom_bytes(jpeg, named))
    table[["image_name", "target"]].to_csv(root / "targets.csv", index=False)
    return root


@pytest.fixture
def options(named, tiny):
    lacking = [f"data.columns.{name}=null" for name in ("sex", "age_approx", "anatom_site_general_challenge")]
    own = ["data=siim_isic", f"data.root={named}", "data.csv=targets.csv", "data.columns.patient_id=[]"]
    kept = [option for option in tiny if not option.startswith(("data.root", "data.demo"))]
    return [*kept, *own, *lacking, "reader=dicom"]


def told(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in TABLES]
    assert files
    return [path.name for path in files if NAME in path.read_bytes()]


def test_no_name_in_what_training_evaluation_and_comparison_say_and_write(run, options, tmp_path):
    code, out, err = run("train", *options, f"hydra.run.dir={tmp_path}/run")
    assert code == 0, err
    assert NAME in (tmp_path / "run/splits.csv").read_bytes()
    checkpoint = tmp_path / "run/checkpoints/best.pt"
    code, more, others = run(
        "eval", f"checkpoint={checkpoint}", "bootstrap_draws=100", f"hydra.run.dir={tmp_path}/eval"
    )
    assert code == 0, others
    shutil.copytree(tmp_path / "run", tmp_path / "again")
    code, *both = run(
        "compare", f"runs=[{tmp_path}/run,{tmp_path}/again]", "bootstrap_draws=100", f"hydra.run.dir={tmp_path}/compare"
    )
    assert code == 0, both
    assert NAME.decode() not in "".join([out, err, more, others, *both])
    assert told(tmp_path / "run") + told(tmp_path / "eval") + told(tmp_path / "compare") == []


def test_no_name_in_what_predicting_and_exporting_say_and_write(run, trained, named, tmp_path):
    words = [f"checkpoint={trained}", f"images={named}/train", "data=siim_isic"]
    code, *said = run("predict", *words, f"hydra.run.dir={tmp_path}/predict")
    assert code == 0, said
    code, *more = run("export", f"checkpoint={trained}", "format=bundle", f"hydra.run.dir={tmp_path}/export")
    assert code == 0, more
    assert NAME.decode() not in "".join([*said, *more])
    assert told(tmp_path / "predict") + told(tmp_path / "export") == []
    assert NAME not in (tmp_path / "predict/predictions.csv").read_bytes()


@pytest.mark.parametrize("fault", ["cut", "age", "leak"])
def test_no_name_in_an_error(run, options, named, tmp_path, fault):
    first, second, *_ = sorted((named / "train").iterdir())
    data = first.read_bytes()
    if fault == "cut":
        first.write_bytes(data[: len(data) // 2])
    elif fault == "age":
        first.write_bytes(data.replace(b"AS\x04\x00", b"AS\x04\x00J", 1))
    else:
        (tmp_path / "splits.csv").write_text(
            "image_name,split\n" + "\n".join(f"{path.stem},{'val' if path == second else 'train'}"
                                             for path in (named / "train").iterdir())
        )  # fmt: skip
    splits = [f"data.splits={tmp_path / 'splits.csv'}"] if fault == "leak" else []
    code, out, err = run("train", *options, *splits, f"hydra.run.dir={tmp_path}/run")
    assert code == 3
    assert NAME.decode() not in out + err
    assert told(tmp_path / "run") == []
