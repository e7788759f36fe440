import json

import pandas as pd

from melanoma.compare.export import write_json, write_predictions

TWO = {"strong": 2.0, 'weak, "odd"': 0.3}


def test_json_has_a_reason_behind_every_null(results, tmp_path):
    for target in (None, [0] * 10, [0] * 9 + [1]):
        made = results(TWO, target=target, epochs=None)
        write_json(tmp_path / "compare.json", made)
        content = json.loads((tmp_path / "compare.json").read_text(), parse_constant=lambda word: 1 / 0)
        for part in [*content["runs"], *content["pairs"]]:
            assert {key for key, value in part.items() if value is None} == set(part["why_missing"])
        assert content["runs"][0]["recall"] == made.runs[0].figures["recall"]
        assert content["test"]["n"] == len(made.runs[0].predictions)


def test_predictions_have_a_column_a_run(results, tmp_path):
    made = results(TWO)
    write_predictions(tmp_path / "predictions.csv", made)
    table = pd.read_csv(tmp_path / "predictions.csv")
    assert table.columns.tolist() == ["image_name", "patient_id", "target", *TWO]
    assert (table["strong"] == made.runs[0].predictions["probability"]).all()
