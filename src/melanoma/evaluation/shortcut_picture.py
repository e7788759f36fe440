"""The shortcut audit as a picture: an AUC a line, with its interval."""

from pathlib import Path

from matplotlib.axes import Axes

from melanoma.evaluation.plots import BLUE, FAINT, INK, ORANGE, new_axes, new_figure, save_figure, say
from melanoma.evaluation.rankings import Ranking
from melanoma.evaluation.report import capital
from melanoma.evaluation.shortcuts import Shortcuts


def plot_shortcuts(audit: Shortcuts, path: Path) -> None:
    """Draw what the model makes of the images and of parts of them, and the floor without a pixel, as a PNG."""
    shown = audit.parts or ([audit.model] if audit.model else [])
    lines = len(shown) + len(audit.floors)
    figure = new_figure(9.6, 1.6 + 0.36 * max(lines, 4))
    axes = new_axes(figure)
    if lines:
        _draw(axes, shown, 0, BLUE, "What the model makes of the images")
        _draw(axes, audit.floors, len(shown), ORANGE, "What is known without a pixel, by naive Bayes")
        axes.axvline(0.5, color=FAINT, lw=1, linestyle=(0, (4, 3)), zorder=1)
        axes.axhline(len(shown) - 0.5, color=FAINT, lw=0.5)
        axes.set_yticks(range(lines), [capital(one.name) for one in [*shown, *audit.floors]])
        axes.set(ylim=(lines - 0.5, -0.5), xlabel="AUC, with its 95 % interval; guessing gives 0.5")
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2)
    else:
        say(axes, f"Nothing to rank: {audit.why_missing}")
    save_figure(figure, path)


def _draw(axes: Axes, lines: list[Ranking], start: int, colour: str, label: str) -> None:
    """Draw a point and an interval a line, from the line `start` downwards."""
    for place, one in enumerate(lines, start):
        if one.auc is None:
            axes.text(0.5, place, f" {one.why_missing}", va="center", color=FAINT)
            continue
        if one.auc_ci_low is not None and one.auc_ci_high is not None:
            axes.plot([one.auc_ci_low, one.auc_ci_high], [place, place], color=colour, lw=2, zorder=2)
        axes.plot(one.auc, place, "o", color=colour, ms=8, mec="white", zorder=3)
        axes.annotate(f"{one.auc:.3f}", (1.01, place), xycoords=("axes fraction", "data"), va="center", color=INK)
    axes.plot([], [], "o", color=colour, ms=8, label=label)
