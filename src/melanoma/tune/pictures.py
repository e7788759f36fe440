"""The picture of a study; shapes say what colours say, for print and for every eye."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.ticker import MaxNLocator

from melanoma.evaluation.plots import BLUE, FAINT, INK, ORANGE, new_axes, new_figure, save_figure, say
from melanoma.tune.table import Row, best_of, best_so_far


def plot_trials(rows: Sequence[Row], path: Path) -> None:
    """Draw each trial's AUC and the best so far, with pruned and failed ones marked, as a PNG."""
    figure = new_figure(8, 4.6)
    axes = new_axes(figure)
    scored = {
        state: [(row.number, row.auc) for row in rows if row.state == state and row.auc is not None]
        for state in ("complete", "pruned")
    }
    failed = [row.number for row in rows if row.state in ("failed", "killed")]
    if scored["complete"]:
        numbers, aucs = best_so_far(rows)
        if numbers[-1] < rows[-1].number:
            numbers, aucs = [*numbers, rows[-1].number], [*aucs, aucs[-1]]
        axes.step(numbers, aucs, where="post", color=BLUE, lw=1.5, alpha=0.6, label="Best so far", zorder=1)
        axes.plot(*zip(*scored["complete"], strict=True), "o", color=BLUE, ms=7, mec="white", label="Complete")
    if scored["pruned"]:
        pruned: dict[str, Any] = {"color": FAINT, "mfc": "white", "mew": 1.5, "ms": 7}
        axes.plot(*zip(*scored["pruned"], strict=True), "v", **pruned, label="Pruned, at its last epoch")
    if failed:
        # On the axis, as they have no AUC.
        on_axis = axes.get_xaxis_transform()
        style: dict[str, Any] = {"color": INK, "mew": 2, "ms": 8, "transform": on_axis, "clip_on": False}
        axes.plot(failed, [0.0] * len(failed), "x", **style, label="Failed, or killed")
    if (best := best_of(rows)) and best.auc is not None:
        label = f"Best: {best.auc:.3f} in trial {best.number}"
        axes.plot(best.number, best.auc, "o", color=ORANGE, ms=10, mec="white", label=label, zorder=4)
    if axes.lines:
        axes.set(xlabel="Trial", ylabel="AUC on the validation patients")
        axes.set_xlim(-0.5, max(row.number for row in rows) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10, min_n_ticks=1))
        axes.grid(axis="y", color=FAINT, alpha=0.25)
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
    else:
        say(axes, "No trial has ended yet")
    save_figure(figure, path)
