from melanoma.evaluation.patients import ContextScore
from melanoma.evaluation.sections.patients import show_patients


def test_what_uses_other_images_is_marked():
    plain = ContextScore("image", "its own", False, 1200, 30, 0.81, 0.7, 0.9)
    context = ContextScore("patient", "highest", True, 400, 0, None, None, None)
    (table,) = show_patients([plain, context]).tables
    assert [cell.text for cell in table.rows[0]] == ["Image: its own", "1,200", "30", "0.810", "no"]
    assert table.rows[0][3].note == "0.700 to 0.900"
    assert [cell.text for cell in table.rows[1]][3:] == ["not defined: one class", "yes"]
