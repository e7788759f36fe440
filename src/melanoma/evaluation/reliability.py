"""Whether a probability of 10 % is a melanoma in one of ten."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.calibration_slope import CalibrationSlope, calibration_slope
from melanoma.evaluation.intervals import wilson
from melanoma.evaluation.metrics import ECE_BINS, Counts, Floats, expected_calibration_error
from melanoma.evaluation.plots import BLUE, FAINT, INK, ORANGE, new_axes, new_figure, save_figure, say


@dataclass(frozen=True)
class Bin:
    """Images of about the same probability."""

    n: int
    mean_probability: float
    observed: float
    """Share of malignant images."""
    low: float
    high: float
    """95 % interval of that share (Wilson 1927), which takes images as independent."""


@dataclass(frozen=True)
class Reliability:
    """How far probabilities are from frequencies; None where the images do not define it."""

    n: int
    prevalence: float | None
    mean_probability: float | None
    brier: float | None
    log_loss: float | None
    ece_equal_width: float | None
    ece_equal_mass: float | None
    line: CalibrationSlope | None
    bins: list[Bin]
    """Of equal mass."""


def measure_reliability(target: Counts, probability: Floats, patient: npt.ArrayLike) -> Reliability:
    """Measure probabilities (n,) in [0, 1] against targets (n,); `patient` (n,) says whose images they are.

    Equal width: bins of 1/15; where nearly all images score low, its first bin is nearly all there is. Equal mass:
    15 bins of as many images each (Nixon et al. 2019, Measuring Calibration in Deep Learning).
    """
    n = len(target)
    if not n:
        return Reliability(0, None, None, None, None, None, None, None, [])
    bins = _equal_mass(target, probability)
    codes = np.unique(np.asarray(patient), return_inverse=True)[1]
    clipped = np.clip(probability, 1e-9, 1 - 1e-9)
    return Reliability(
        n=n,
        prevalence=float(target.mean()),
        mean_probability=float(probability.mean()),
        brier=float(np.mean((probability - target) ** 2)),
        log_loss=float(-np.mean(np.where(target == 1, np.log(clipped), np.log1p(-clipped)))),
        ece_equal_width=expected_calibration_error(target, probability),
        ece_equal_mass=sum(one.n * abs(one.mean_probability - one.observed) for one in bins) / n,
        line=calibration_slope(target, probability, codes),
        bins=bins,
    )


def plot_reliability(before: Reliability, after: Reliability | None, path: Path) -> None:
    """Draw observed share over mean probability, with the images a bin below, as a PNG."""
    figure = new_figure(4.8, 4.8)
    grid = figure.add_gridspec(2, 1, height_ratios=(4, 1))
    diagram, counts = new_axes(figure, grid[0]), new_axes(figure, grid[1])
    if not before.n:
        say(diagram, "There are no images")
    one = ((before, FAINT if after else BLUE, "s" if after else "o", "Before" if after else "Probability"),)
    shown = (*one, *(((after, ORANGE, "o", "After"),) if after else ()))
    end = max([0.02, *(max(part.mean_probability, part.high) for kind, *_ in shown for part in kind.bins)])
    for kind, colour, marker, label in shown:
        x = [part.mean_probability for part in kind.bins]
        y = [part.observed for part in kind.bins]
        error = [[part.observed - part.low for part in kind.bins], [part.high - part.observed for part in kind.bins]]
        diagram.errorbar(x, y, yerr=error, fmt=marker, color=colour, ms=5, lw=1, label=label)
        counts.vlines(x, 0, [part.n for part in kind.bins], color=colour, lw=3)
    diagram.plot([0, 1], [0, 1], color=INK, lw=1, linestyle=(0, (4, 3)), label="Right")
    diagram.set(xlim=(0, min(1, 1.05 * end)), ylim=(0, min(1, 1.05 * end)), ylabel="Share that is malignant")
    diagram.legend(frameon=False, loc="upper left")
    counts.set(xlim=(0, min(1, 1.05 * end)), xlabel="Mean probability in the bin", ylabel="Images")
    save_figure(figure, path)


def _equal_mass(target: Counts, probability: Floats) -> list[Bin]:
    """Cut at the quantiles; equal probabilities share a bin, so there may be fewer."""
    edges = np.unique(np.quantile(probability, np.arange(1, ECE_BINS) / ECE_BINS))
    place = np.searchsorted(edges, probability, side="left")
    bins = []
    for number in np.unique(place):
        rows = place == number
        n, positives = int(rows.sum()), int(target[rows].sum())
        bins.append(Bin(n, float(probability[rows].mean()), positives / n, *wilson(positives, n)))
    return bins
