import pandas as pd
import pytest

from melanoma.config import EvalConfig, compose, resolve
from melanoma.evaluation.lessons import lessons_of
from melanoma.evaluation.subject import subject_of_checkpoints


@pytest.fixture
def lessons(trained):
    def run(*paths, options=()):
        words = [f"checkpoint=[{','.join(map(str, paths or [trained]))}]", "device=cpu", *options]
        config = resolve(compose("eval", words), EvalConfig)
        subject = subject_of_checkpoints(config)
        return subject, lessons_of(subject.members, subject.predictions, config)

    return run


def test_the_training_rows_come_with_what_their_files_say(lessons, trained):
    subject, (lesson,) = lessons()
    splits = pd.read_csv(trained / "splits.csv")
    assert set(lesson.rows["image_name"]) == set(splits["image_name"][splits["split"] == "train"])
    assert lesson.images.tolist() == subject.predictions["image_name"].tolist()
    assert lesson.rows[["width", "height", "file_bytes", "target"]].notna().all(axis=None)
    assert subject.predictions["source"].unique().tolist() == ["demo"]


def test_rows_whose_patients_are_scored_teach_nothing(lessons):
    assert lessons(options=("split=all",))[1] == []
    assert lessons(options=("split=train",))[1] == []
    assert len(lessons(options=("split=val",))[1]) == 1


def test_each_fold_learns_from_its_own_rows(lessons, fold):
    subject, (one, other) = lessons(fold(0), fold(1), options=("ensemble=folds",))
    assert not set(one.rows["patient_id"]) & set(subject.members[0].predictions["patient_id"])
    assert set(one.rows["image_name"]) != set(other.rows["image_name"])
    assert one.rows[["width", "file_bytes"]].notna().all(axis=None)
    assert subject.predictions[["width", "file_bytes"]].notna().all(axis=None)
