"""The four pictures of a comparison; shapes and dashes say what colours say, for print and for every eye."""

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from melanoma.compare.figures import AUC, COST, DECISIONS, Column, cell
from melanoma.compare.measure import Measured
from melanoma.evaluation.metrics import Floats
from melanoma.evaluation.plots import BLUE, FAINT, INK, ORANGE, new_axes, new_figure, save_figure, say

# Okabe and Ito's palette without its yellow, which is lost on white.
_COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", INK)
_MARKERS = "os^DvPX<>p"
_DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))
_LARGEST = 20
"""Diameter in points of the marker of the model with the most parameters; areas are in proportion."""
_SMALLEST = 7
_LEGEND_COLUMNS = 3
_NO_AUC = "No AUC is defined:\nthe test images are of one class"


def plot_performance(runs: Sequence[Measured], path: Path) -> None:
    """Draw every run's AUC with its interval, the highest on top, as a PNG."""
    figure = new_figure(7.2, _height(runs))
    axes = new_axes(figure)
    known = [run for run in runs if run.auc is not None]
    study = None
    for place, run in enumerate(known):
        auc, (low, high) = _number(run, "auc"), _interval(run)
        axes.plot([low, high], [place, place], color=BLUE, lw=2.5, solid_capstyle="butt", zorder=2)
        axes.plot(auc, place, "o", color=BLUE, ms=9, mec="white", zorder=3)
        axes.annotate(f"{auc:.3f}", (auc, place), (0, 8), textcoords="offset points", ha="center", color=INK)
        if isinstance(reported := run.figures.get("reported_auc"), float):
            (study,) = axes.plot(reported, place, "D", mfc="white", mec=ORANGE, mew=1.5, ms=7, zorder=4)
    if known:
        axes.set_yticks(range(len(known)), [_wrapped(run) for run in known], parse_math=False)
        axes.set(ylim=(len(known) - 0.5, -0.7), xlabel="AUC on the test patients, 95 % interval")
        axes.grid(axis="x", color=FAINT, alpha=0.25)
        axes.tick_params(axis="y", length=0)
        if study is not None:
            figure.legend(
                [study], ["As the study printed it, for other patients"], loc="outside lower right", frameon=False
            )
    else:
        say(axes, _NO_AUC)
    save_figure(figure, path)


def plot_efficiency(runs: Sequence[Measured], path: Path) -> None:
    """Draw AUC against the time of an image, a marker's area in proportion to the parameters, as a PNG."""
    figure = new_figure(7.2, _height(runs))
    axes = new_axes(figure)
    most = max(_number(run, "parameters") for run in runs)
    handles = []
    for place, run in enumerate(runs):
        style, parameters = _style(place), _number(run, "parameters")
        label = f"{_wrapped(run)}\n{parameters / 1e6:.3g} M parameters"
        handles.append(Line2D([], [], ls="", ms=8, label=label, **style))
        if run.auc is not None:
            x = _number(run, "inference_ms_per_image")
            axes.plot([x, x], _interval(run), color=style["color"], lw=1.5, zorder=2)
            size = max(_SMALLEST, _LARGEST * (parameters / most) ** 0.5)
            axes.plot(x, _number(run, "auc"), ms=size, mec="white", alpha=0.85, zorder=3, **style)
    if axes.lines:
        axes.set(xlabel="Milliseconds an image, one at a time", ylabel="AUC on the test patients, 95 % interval")
        axes.set_xlim(0, 1.1 * max(_number(run, "inference_ms_per_image") for run in runs))
        axes.grid(color=FAINT, alpha=0.25)
    else:
        say(axes, _NO_AUC)
    _plain(figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False))
    save_figure(figure, path)


def plot_progression(runs: Sequence[Measured], path: Path) -> None:
    """Draw validation AUC and loss by epoch, a line a run, as a PNG."""
    rows = -(-len(runs) // _LEGEND_COLUMNS)
    figure = new_figure(9.6, 4.2 + 0.45 * rows)
    for place, (column, words) in enumerate({"val/auc": "AUC", "val/loss": "Loss"}.items()):
        axes = new_axes(figure, 121 + place)
        for number, run in enumerate(runs):
            if run.history is not None and (known := run.history.dropna(subset=[column])).size:
                dashes = _DASHES[number % len(_DASHES)]
                # A few markers tell the lines apart without hiding them.
                every = max(1, len(known) // 10)
                axes.plot(known["epoch"], known[column], ls=dashes, lw=1.8, ms=5, markevery=every, **_style(number))
        if axes.lines:
            axes.set(xlabel="Epoch", ylabel=f"{words} on the validation patients")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
        else:
            say(axes, "No history.csv holds a value")
    handles = [
        Line2D([], [], ls=_DASHES[number % len(_DASHES)], lw=1.8, ms=5, label=_wrapped(run), **_style(number))
        for number, run in enumerate(runs)
    ]
    columns = min(len(runs), _LEGEND_COLUMNS)
    _plain(figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, handlelength=4))
    save_figure(figure, path)


def plot_overview(runs: Sequence[Measured], path: Path) -> None:
    """Write all figures into a matrix, shaded from the worst to the best of each column, as a PNG."""
    columns = (AUC, *DECISIONS, *COST)
    figure = new_figure(2.2 + 0.95 * len(columns), 1.7 + 0.5 * len(runs))
    axes = new_axes(figure)
    shades = np.column_stack([_shades(runs, column) for column in columns])
    # The scale ends far above 1, so that dark words can be read in the best cells too.
    axes.imshow(np.ma.masked_invalid(shades), cmap="Blues", vmin=-0.1, vmax=2, aspect="auto")
    for row, place in np.ndindex(shades.shape):
        one = cell(runs[row].figures, columns[place])
        axes.text(place, row, "-" if one.missing else one.text, ha="center", va="center", fontsize=10, color=INK)
    axes.set_xticks(range(len(columns)), [textwrap.fill(column.title, 11) for column in columns])
    axes.set_yticks(range(len(runs)), [_wrapped(run) for run in runs], parse_math=False)
    axes.xaxis.tick_top()
    axes.set_xlabel("Darker is better, within a column alone: from its worst run to its best, however near they are")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    save_figure(figure, path)


def _shades(runs: Sequence[Measured], column: Column) -> Floats:
    """Place each run between the column's worst, 0, and best, 1; NaN for no value, or one that is no merit."""
    values = np.array([np.nan if (value := run.figures[column.key]) is None else value for run in runs], dtype=float)
    if column.more_is_better is None or np.isnan(values).all():
        return np.full(len(runs), np.nan)
    worst, best = np.nanmin(values), np.nanmax(values)
    shades: Floats = (values - worst) / (best - worst or 1)
    return shades if column.more_is_better else 1 - shades


def _height(runs: Sequence[Measured]) -> float:
    """Give room for a line a run, and to two pictures that stand side by side the same height."""
    return max(4.8, 4 + 0.27 * len(runs))


def _style(place: int) -> dict[str, Any]:
    return {"color": _COLOURS[place % len(_COLOURS)], "marker": _MARKERS[place % len(_MARKERS)]}


def _number(run: Measured, key: str) -> float:
    """Give a figure that is there."""
    return cast(float, run.figures[key])


def _interval(run: Measured) -> tuple[float, float]:
    """Give the AUC's interval, or the AUC twice where it has none."""
    if run.figures["auc_ci_low"] is None:
        return _number(run, "auc"), _number(run, "auc")
    return _number(run, "auc_ci_low"), _number(run, "auc_ci_high")


def _wrapped(run: Measured) -> str:
    return textwrap.fill(run.label, 26)


def _plain(legend: Legend) -> None:
    # A dollar sign in a name would begin a formula.
    for text in legend.get_texts():
        text.set_parse_math(False)


PICTURES: dict[str, tuple[str, Callable[[Sequence[Measured], Path], None]]] = {
    "AUC with 95 % intervals": ("performance", plot_performance),
    "AUC against the time of an image; larger markers have more parameters": ("efficiency", plot_efficiency),
    "Validation AUC and loss by epoch": ("progression", plot_progression),
    "All figures of all runs": ("overview", plot_overview),
}
"""Each picture's title, the name of its file, and what draws it."""
