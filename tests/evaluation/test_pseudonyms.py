from melanoma.evaluation.pseudonyms import pseudonyms


def test_a_patient_has_one_name_within_a_report_and_others_elsewhere():
    first, second, again = pseudonyms(["IP_1", "IP_2", "IP_1"], salt=b"a")
    assert first == again != second
    assert {len(first), len(second)} == {8}
    assert pseudonyms(["IP_1"], salt=b"b") != [first]
    assert pseudonyms(["IP_1"]) != pseudonyms(["IP_1"])
