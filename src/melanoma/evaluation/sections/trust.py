"""Whether the probabilities mean what they say."""

from pathlib import Path

from melanoma.evaluation.calibration_slope import CalibrationSlope, Estimate
from melanoma.evaluation.reliability import Reliability
from melanoma.evaluation.report import capital
from melanoma.page import Cell, Section, Table, embed, interval, number

FIGURES = {
    "ece_equal_width": ("Calibration error, equal width", "Over 15 bins of equal width; 0 is best. Where melanomas are "
                        "rare, nearly all images are in its first bin.", "{:.4f}"),
    "ece_equal_mass": ("Calibration error, equal mass", "Over 15 bins of as many images each.", "{:.4f}"),
    "mean_probability": ("Mean probability", "Should be the share of melanomas.", "{:.4f}"),
    "prevalence": ("Share of melanomas", "Among these images.", "{:.4f}"),
    "brier": ("Brier score", "Mean squared error; 0 is best.", "{:.4f}"),
    "log_loss": ("Log loss", "0 is best.", "{:.4f}"),
}  # fmt: skip
LINE = {
    "slope": ("Slope", "1 is right; below 1, high probabilities are too high and low ones too low.", "{:.3f}"),
    "intercept": ("Intercept, beside the slope", "0 is right where the slope is 1.", "{:+.3f}"),
    "in_the_large": ("Calibration in the large", "Intercept for a slope of 1: 0 is right; below 0, probabilities are "
                     "too high on the whole.", "{:+.3f}"),
}  # fmt: skip
HEAD = ["Images of a bin", "Mean probability", "Share that is malignant", "95 % interval"]


def show_reliability(before: Reliability, after: Reliability | None, method: str | None, picture: Path) -> Section:
    """Show figures and bins of the probabilities as they came and, where they were calibrated, as they are now."""
    kinds = [before] if after is None else [before, after]
    rows = [
        [Cell(name, note=meaning), *(number(getattr(kind, key), form) for kind in kinds)]
        for key, (name, meaning, form) in FIGURES.items()
    ] + [
        [Cell(name, note=meaning), *(_of_line(kind.line, key, form) for kind in kinds)]
        for key, (name, meaning, form) in LINE.items()
    ]
    bins = [
        [
            number(part.n, "{:,}"),
            number(part.mean_probability, "{:.4f}"),
            number(part.observed, "{:.4f}"),
            Cell(f"{part.low:.4f} to {part.high:.4f}", sort=part.low),
        ]
        for part in kinds[-1].bins
    ]
    return Section(
        "Calibration",
        lead=lead(kinds[-1], method),
        pictures=[embed("Reliability diagram", picture)],
        tables=[
            Table("Figures", ["", "As it came", "Calibrated"] if after else ["", "Value"], rows),
            Table("Reliability diagram, a row a bin", HEAD, bins, sortable=True),
        ],
        notes=[
            "Bins hold as many images each; their intervals are Wilson's, and take images as independent. Below slope "
            "and intercepts stand 95 % intervals that take a patient's images together."
        ],
    )


def _of_line(line: CalibrationSlope | None, key: str, form: str) -> Cell:
    if line is None:
        return Cell("not defined: one class is not there, or never scores below the other", sort="", missing=True)
    found: Estimate = getattr(line, key)
    return Cell(form.format(found.value), sort=found.value, note=interval(found.low, found.high, form))


def _judge(line: CalibrationSlope | None) -> str:
    """Begin the sentence where probabilities are off by more than chance explains."""
    off = line.in_the_large if line else None
    if off is None or off.low is None or off.high is None or off.low <= 0 <= off.high:
        return ""
    return f"probabilities are too {'high' if off.high < 0 else 'low'} on the whole: "


def lead(measured: Reliability, method: str | None) -> str:
    """Say in a sentence how mean probability and share of melanomas compare, and what was done about it."""
    if measured.prevalence is None or measured.mean_probability is None:
        return "There are no images."
    how = f" after calibration by {method} on validation patients" if method else ""
    mean, share = 100 * measured.mean_probability, 100 * measured.prevalence
    return capital(
        f"{_judge(measured.line)}the mean probability is {mean:.1f} %{how}, and {share:.1f} % of the images are "
        "malignant."
    )
