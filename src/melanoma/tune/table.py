"""What the trials gave, as a CSV and as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from melanoma.durable import replace_text
from melanoma.markdown import escape, markdown_table


@dataclass(frozen=True)
class Row:
    """One trial."""

    number: int
    state: str
    """complete, pruned, failed, killed, running or waiting."""
    auc: float | None
    """Best validation AUC; of a pruned trial, the last one before it was ended."""
    epochs: int
    """Which gave an AUC; of a trial that was begun again, those since then."""
    seconds: float | None
    values: dict[str, str]
    """By option."""
    cause: str
    """Why it failed; empty where it did not."""


def best_of(rows: Sequence[Row]) -> Row | None:
    """Give the complete trial with the highest AUC, the first of several."""
    return max((row for row in rows if _counts(row)), key=lambda row: row.auc or 0, default=None)


def best_so_far(rows: Sequence[Row]) -> tuple[list[int], list[float]]:
    """Give the number of each complete trial, and the highest AUC up to it."""
    aucs = {row.number: row.auc for row in rows if _counts(row) and row.auc is not None}
    return list(aucs), [float(auc) for auc in pd.Series(list(aucs.values()), dtype=float).cummax()]


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write a line a trial."""
    options = _options(rows)
    table = pd.DataFrame(
        [
            {
                "trial": row.number,
                "state": row.state,
                "val/auc": row.auc,
                "epochs": row.epochs,
                "seconds": row.seconds,
                **{option: row.values.get(option) for option in options},
                "cause": row.cause,
            }
            for row in rows
        ]
    )
    replace_text(path, table.to_csv(index=False))


def write_markdown(path: Path, study: str, rows: Sequence[Row]) -> None:
    """Write the trials as a table, the highest AUC first, those without one last."""
    options = _options(rows)
    ranked = sorted(rows, key=lambda row: (not _counts(row), -(row.auc or 0)))
    body = [
        [
            str(row.number),
            row.state,
            "-" if row.auc is None else f"{row.auc:.4f}",
            str(row.epochs),
            "-" if row.seconds is None else f"{row.seconds:.0f}",
            *(row.values.get(option, "-") for option in options),
            row.cause,
        ]
        for row in ranked
    ]
    head = ["Trial", "State", "Validation AUC", "Epochs", "Seconds", *options, "Cause"]
    parts = [f"# Study {escape(study)}", markdown_table([head, *body]), "![AUC of each trial](tune.png)"]
    replace_text(path, "\n\n".join(parts) + "\n")


def _counts(row: Row) -> bool:
    return row.state == "complete" and row.auc is not None


def _options(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(option for row in rows for option in row.values))
