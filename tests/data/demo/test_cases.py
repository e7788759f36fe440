import pytest

from melanoma.data.demo import draw_cases


@pytest.fixture
def cases(demo_config):
    return draw_cases(demo_config(patients=2000, images_per_patient=3.0))


def test_some_metadata_is_missing(cases):
    patients = cases.groupby("patient_id").first()
    assert 0.005 < patients["sex"].isna().mean() < 0.04
    assert patients["sex"].isna().equals(patients["age_approx"].isna())
    assert 0.02 < cases["anatom_site_general_challenge"].isna().mean() < 0.04
    assert cases["site"].notna().all()


def test_a_patient_is_one_person(cases):
    patients = cases.groupby("patient_id")
    assert (patients["sex"].nunique(dropna=False) == 1).all()
    assert (patients["tone"].nunique() == 1).all()
    by_visit = cases.sort_values(["patient", "image"]).dropna(subset="age_approx")
    assert by_visit.groupby("patient")["age_approx"].is_monotonic_increasing.all()
    assert by_visit["age_approx"].between(15, 90).all()
    assert (by_visit["age_approx"] % 5 == 0).all()


def test_patients_have_one_image_or_more(cases):
    counts = cases["patient_id"].value_counts()
    assert len(counts) == 2000
    assert counts.nunique() > 3
    assert counts.mean() == pytest.approx(3, abs=0.15)


def test_names_are_in_siim_style(cases):
    assert cases["image_name"].is_unique
    assert cases["image_name"].str.fullmatch(r"ISIC_\d{7}").all()
    assert cases["patient_id"].str.fullmatch(r"IP_\d{7}").all()
