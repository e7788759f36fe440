"""The pictures of a report, drawn without pyplot so that nothing global is touched."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve

from melanoma.durable import replace_bytes
from melanoma.evaluation.metrics import check_probabilities, confusion_counts, has_both_classes, roc_auc

# From Okabe and Ito's palette, which stays distinct under every common colour blindness.
BLUE, ORANGE = "#0072B2", "#D55E00"
INK, FAINT = "#333333", "#8C8C8C"
DPI = 150


def plot_roc(
    target: npt.ArrayLike,
    probability: npt.ArrayLike,
    auc: float | None,
    interval: tuple[float, float] | None,
    threshold: float,
    path: Path,
) -> None:
    """Draw the ROC curve with the chance line and the point at `threshold`, as a PNG.

    With one class the picture says so in words. Raises ValueError as `classification_metrics` does.
    """
    labels, probabilities = check_probabilities(target, probability)
    figure = new_figure(4.8, 4.8)
    axes = new_axes(figure)
    _frame_unit_square(axes)
    if has_both_classes(labels):
        fpr, tpr, _ = roc_curve(labels, probabilities)
        axes.plot(fpr, tpr, color=BLUE, lw=2, label=_auc_label(auc, interval), clip_on=False, zorder=3)
        (tn, fp), (fn, tp) = confusion_counts(labels, probabilities, threshold)
        _mark(axes, fp / (tn + fp), tp / (fn + tp), f"At threshold {threshold:.3g}")
        axes.plot([0, 1], [0, 1], color=FAINT, lw=1, linestyle=(0, (4, 3)), label="Chance", zorder=1)
        axes.legend(loc="lower right", frameon=False)
    else:
        say(axes, f"No ROC curve:\n{_one_class(len(labels), int(labels.sum()))}")
    save_figure(figure, path)


def plot_two_rocs(internal: pd.DataFrame, external: pd.DataFrame, threshold: float, path: Path) -> None:
    """Draw the ROC curves of two tables of predictions with their points at `threshold`, as a PNG.

    A table with one class has no curve, and the legend says so.
    """
    figure = new_figure(4.8, 4.8)
    axes = new_axes(figure)
    _frame_unit_square(axes)
    for table, name, colour, line in ((internal, "Internal", FAINT, (0, (5, 1))), (external, "External", BLUE, "-")):
        target, probability = table["target"].to_numpy(dtype=np.int64), table["probability"].to_numpy(dtype=float)
        if not has_both_classes(target):
            axes.plot([], [], color=colour, label=f"{name}: {_one_class(len(target), int(target.sum()))}")
            continue
        fpr, tpr, _ = roc_curve(target, probability)
        auc = roc_auc(target, probability)
        axes.plot(fpr, tpr, color=colour, lw=2, linestyle=line, label=f"{name}: {_auc_label(auc, None)}", clip_on=False)
        (tn, fp), (fn, tp) = confusion_counts(target, probability, threshold)
        axes.plot(fp / (tn + fp), tp / (fn + tp), "o", color=colour, ms=8, mec="white", clip_on=False, zorder=4)
    axes.plot([], [], "o", color=INK, ms=8, mec="white", label=f"At threshold {threshold:.3g}")
    axes.plot([0, 1], [0, 1], color=FAINT, lw=1, linestyle=(0, (1, 2)), label="Chance", zorder=1)
    axes.legend(loc="lower right", frameon=False)
    save_figure(figure, path)


def plot_confusion(confusion_matrix: Sequence[Sequence[int]], path: Path) -> None:
    """Draw [[tn, fp], [fn, tp]] with counts and the percentage of each row, as a PNG."""
    counts = np.asarray(confusion_matrix, dtype=np.int64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    figure = new_figure(4.8, 4.8)
    axes = new_axes(figure)
    # The scale ends above 1, so that full cells stay light enough to read.
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.25)
    for (row, column), count in np.ndenumerate(counts):
        share = f"{100 * shares[row, column]:.1f} %" if totals[row, 0] else "no images"
        colour = "white" if shares[row, column] > 0.6 else INK
        axes.text(column, row, f"{count:,}", ha="center", va="bottom", fontsize=20, color=colour)
        axes.text(column, row + 0.06, share, ha="center", va="top", fontsize=11, color=colour)
    axes.set_xticks([0, 1], ["Benign", "Malignant"])
    axes.set_yticks([0, 1], ["Benign", "Malignant"], rotation=90, va="center")
    axes.set(xlabel="What the model says", ylabel="What the lesion is")
    axes.axhline(0.5, color="white", linewidth=3)
    axes.axvline(0.5, color="white", linewidth=3)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    save_figure(figure, path)


def plot_history(history: pd.DataFrame, path: Path) -> None:
    """Draw losses and validation AUC over the epochs, the best epoch marked, as a PNG.

    Needs the columns epoch, train/loss, val/loss and val/auc of history.csv; any value may be missing.
    """
    figure = new_figure(9.6, 4.2)
    losses, ranking = new_axes(figure, 121), new_axes(figure, 122)
    for axes in (losses, ranking):
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    _line(losses, history, "train/loss", "Training", FAINT)
    _line(losses, history, "val/loss", "Validation", BLUE)
    losses.set_ylabel("Loss")
    _legend_or_words(losses, "No loss was recorded")
    _line(ranking, history, "val/auc", "Validation", BLUE)
    ranking.set_ylabel("AUC on the validation patients")
    known = history.dropna(subset=["val/auc"])
    if len(known):
        best = known.iloc[int(known["val/auc"].argmax())]
        label = f"Best: {best['val/auc']:.3f} in epoch {best['epoch']:.0f}"
        _mark(ranking, best["epoch"], best["val/auc"], label)
    _legend_or_words(ranking, "No validation AUC was recorded:\nit needs both classes")
    save_figure(figure, path)


def new_figure(width: float, height: float) -> Figure:
    """Make a figure of so many inches whose parts keep clear of each other."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))


def new_axes(figure: Figure, place: int | SubplotSpec = 111) -> Axes:
    """Add axes with faint lines; `place` is matplotlib's rows, columns and number, or a part of a grid."""
    axes: Axes = figure.add_subplot(place)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK)
    axes.xaxis.label.set(color=INK, fontsize=11)
    axes.yaxis.label.set(color=INK, fontsize=11)
    return axes


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, whole or not at all."""
    body = BytesIO()
    figure.savefig(body, format="png", dpi=DPI)
    replace_bytes(path, body.getvalue())


def say(axes: Axes, words: str) -> None:
    """Fill axes that have nothing to show with words."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, words, ha="center", va="center", color=INK, fontsize=12, transform=axes.transAxes)


def _frame_unit_square(axes: Axes) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel("False positive rate (1 - specificity)")
    axes.set_ylabel("True positive rate (sensitivity)")


def _line(axes: Axes, history: pd.DataFrame, column: str, label: str, colour: str) -> None:
    """Plot the epochs that have a value; dots only while they are few enough to be told apart."""
    known = history.dropna(subset=[column])
    if len(known):
        marker = "o" if len(known) <= 20 else ""
        axes.plot(known["epoch"], known[column], color=colour, lw=2, marker=marker, ms=4, label=label)


def _mark(axes: Axes, x: float, y: float, label: str) -> None:
    axes.plot(x, y, "o", color=ORANGE, ms=8, mec="white", label=label, clip_on=False, zorder=4)


def _legend_or_words(axes: Axes, words: str) -> None:
    if axes.lines:
        axes.legend(frameon=False)
    else:
        say(axes, words)


def _one_class(n: int, n_positive: int) -> str:
    if n == 0:
        return "there are no images"
    return f"all {n:,} images are {'malignant' if n_positive else 'benign'}"


def _auc_label(auc: float | None, interval: tuple[float, float] | None) -> str:
    value = "AUC not defined" if auc is None else f"AUC {auc:.3f}"
    return value if interval is None else f"{value}\n95 % interval {interval[0]:.3f} to {interval[1]:.3f}"
