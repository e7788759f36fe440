"""The rule behind the demo labels: latent features -> score -> target.

Every lesion has six latent features. None depends on another, but for a mild patient effect: some patients
have more atypical lesions, which shifts asymmetry, border, colours and network together (correlation 0.09).

    asymmetry      0..1            bulges and dents of the outline, pigment off the centre
    border         0..1            0: smooth and faded, 1: notched and abrupt
    colours        1..5            how many of light brown, dark brown, black, blue-grey, red and white
    network        0..1            pigment network, 0: a regular honeycomb, 1: broken into patches
    veil           0 or 1, evenly  a blue-white haze over part of the lesion
    fine_texture   0 or 1, evenly  a 1-pixel checkerboard that averaging 2x2 pixels removes

With z(.) for a feature less its mean, over its standard deviation:

    score  = 0.8 z(asymmetry) + 1.0 z(border) + 1.0 z(colours) + 0.3 z(network)
           + 3.0 s(site) (2 veil - 1)         with site_effect
           + 3.0 (2 fine_texture - 1)         with texture_effect
    target = 1 for the share `prevalence` of the images with the highest score + noise * std(score) * N(0, 1)

s(site) is +1 for torso, lower extremity and palms/soles, -1 for head/neck, upper extremity and oral/genital.
Each group holds half of the lesions, so neither the veil nor the site alone says anything about the target.
An effect that is off leaves its feature in the pictures, with weight 0.

The best AUC that anything can reach, measured on 60,000 cases with noise 0.3 and prevalence 0.3:

    effects on        knowing the planted feature   blind to it
    none              -                             0.979
    site_effect       0.979                         0.750, not knowing the site
    texture_effect    0.979                         0.744, not seeing the checkerboard
    both              0.981                         0.65 to both, 0.86 to one of them

Rare targets narrow the gap (0.98 against 0.95 at prevalence 0.02): the highest scores are high in all terms.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma.config import DemoConfig

RAISING_SITES = ("torso", "lower extremity", "palms/soles")
"""Where a veil raises the score; elsewhere it lowers it."""

BASE_TERMS = {  # feature: (weight, mean, standard deviation)
    "asymmetry": (0.8, 0.5, 12**-0.5),
    "border": (1.0, 0.5, 12**-0.5),
    "colours": (1.0, 3.0, 2**0.5),
    "network": (0.3, 0.5, 12**-0.5),
}
SITE_WEIGHT = 3.0
TEXTURE_WEIGHT = 3.0


def base_score(features: pd.DataFrame) -> NDArray[np.float64]:
    """Score what shows at any resolution and means the same on every site."""
    terms = [weight * (features[name] - mean) / std for name, (weight, mean, std) in BASE_TERMS.items()]
    return np.asarray(np.sum(terms, axis=0), dtype=np.float64)


def site_term(features: pd.DataFrame) -> NDArray[np.float64]:
    """Score the veil by its site: +1 or -1 times the weight."""
    sign = np.where(features["site"].isin(RAISING_SITES), 1.0, -1.0)
    return SITE_WEIGHT * sign * (2.0 * features["veil"].to_numpy() - 1.0)


def texture_term(features: pd.DataFrame) -> NDArray[np.float64]:
    """Score the checkerboard: +1 or -1 times the weight."""
    return TEXTURE_WEIGHT * (2.0 * features["fine_texture"].to_numpy() - 1.0)


def score(features: pd.DataFrame, config: DemoConfig) -> NDArray[np.float64]:
    """Add up the terms that `config` has on; columns are the features above, and the true `site`."""
    total = base_score(features)
    if config.site_effect:
        total = total + site_term(features)
    if config.texture_effect:
        total = total + texture_term(features)
    return total


def targets(scores: NDArray[np.float64], config: DemoConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    """Call the highest noisy scores malignant, (n,) of 0 and 1.

    Exactly the rounded share of them are 1; two or more images have both classes.
    """
    count = len(scores)
    noisy = scores + config.noise * scores.std() * rng.standard_normal(count)
    positives = round(config.prevalence * count)
    if count >= 2:
        positives = min(max(positives, 1), count - 1)
    target = np.zeros(count, dtype=np.int64)
    target[np.argsort(-noisy, kind="stable")[:positives]] = 1
    return target
