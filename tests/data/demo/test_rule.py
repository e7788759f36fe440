import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from melanoma.data.demo import draw_cases, rule


@pytest.fixture
def draw_many(demo_config):
    def draw_many(**changes):
        return draw_cases(demo_config(patients=2000, images_per_patient=3.0, **changes))

    return draw_many


def correlation(cases, name):
    return np.corrcoef(cases[name].astype(float), cases["target"])[0, 1]


@pytest.mark.parametrize("prevalence", [0.02, 0.25, 0.7])
def test_prevalence_is_exact(draw_many, prevalence):
    cases = draw_many(prevalence=prevalence)
    assert cases["target"].sum() == round(prevalence * len(cases))


@pytest.mark.parametrize("prevalence", [0.001, 0.999])
def test_two_images_have_both_classes(demo_config, prevalence):
    cases = draw_cases(demo_config(patients=2, images_per_patient=1, prevalence=prevalence))
    assert sorted(cases["target"]) == [0, 1]


@pytest.mark.parametrize("name", ["asymmetry", "border", "colours", "network"])
def test_target_gets_likelier_with_a_feature(draw_many, name):
    cases = draw_many()
    bins = cases[name] if name == "colours" else (5 * cases[name]).astype(int)
    assert cases.groupby(bins)["target"].mean().is_monotonic_increasing


@pytest.mark.parametrize("name", ["veil", "fine_texture", "hairs", "ruler", "frame", "tone", "radius"])
def test_target_does_not_depend_on_the_rest(draw_many, name):
    assert abs(correlation(draw_many(), name)) < 0.04


def test_the_veil_flips_its_meaning_between_sites(draw_many):
    cases = draw_many(site_effect=True)
    raising = cases["site"].isin(rule.RAISING_SITES)
    assert correlation(cases[raising], "veil") > 0.3
    assert correlation(cases[~raising], "veil") < -0.3
    assert abs(correlation(cases, "veil")) < 0.04
    assert abs(np.corrcoef(raising, cases["target"])[0, 1]) < 0.04


@pytest.mark.parametrize(("effect", "term"), [("site_effect", rule.site_term), ("texture_effect", rule.texture_term)])
def test_an_effect_is_worth_more_than_015_auc(draw_many, effect, term):
    cases = draw_many(**{effect: True})
    blind = roc_auc_score(cases["target"], rule.base_score(cases))
    seeing = roc_auc_score(cases["target"], rule.base_score(cases) + term(cases))
    assert seeing - blind > 0.17
    assert seeing > 0.95


def test_an_effect_changes_targets_only(draw_many):
    without, with_both = draw_many(), draw_many(site_effect=True, texture_effect=True)
    depends = ["score", "target", "diagnosis", "benign_malignant"]
    assert without.drop(columns=depends).equals(with_both.drop(columns=depends))
    assert not without["target"].equals(with_both["target"])
