"""The comparison as one HTML page, as Markdown and as aligned text."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from melanoma.compare.figures import COST, PAIRS, Column, cell, columns_of_quality, pair_cells
from melanoma.compare.measure import Measured
from melanoma.compare.results import Results, finding, notes
from melanoma.durable import replace_text
from melanoma.markdown import escape, markdown_table
from melanoma.page import Cell, embed, write_page

_TITLE = "Comparison of {} runs"
_IN_TERMINAL = (
    "auc",
    "auc_ci_low",
    "reported_auc",
    "recall",
    "precision",
    "f1",
    "accuracy",
    "epoch_seconds",
    "inference_ms_per_image",
)


def write_html(path: Path, results: Results, pictures: Mapping[str, Path]) -> None:
    """Write one self-contained page, whole or not at all; `pictures` maps a title to a PNG."""
    write_page(
        path,
        "compare.html",
        title=_TITLE.format(len(results.runs)),
        finding=finding(results),
        tables={
            "What the runs reach": (columns_of_quality(results.runs), results.runs),
            "What they cost": (COST, results.runs),
        },
        cell=lambda run, column: cell(run.figures, column),
        pairs=[(pair.first, pair.second, pair_cells(pair)) for pair in results.pairs],
        pair_columns=PAIRS,
        pictures=[embed(title, file) for title, file in pictures.items()],
        runs=results.runs,
        notes=notes(results),
    )


def write_markdown(path: Path, results: Results, pictures: Mapping[str, Path]) -> None:
    """Write the page's words and tables, with links to the pictures, which lie below its folder."""
    pairs = [[f"{pair.first} - {pair.second}", *_texts(pair_cells(pair))] for pair in results.pairs]
    facts = [[run.label, *run.facts.values()] for run in results.runs]
    parts = [
        f"# {_TITLE.format(len(results.runs))}",
        escape(finding(results)),
        "## What the runs reach",
        markdown_table(_rows(results.runs, columns_of_quality(results.runs))),
        "## Differences of AUC",
        markdown_table([["Runs", *PAIRS], *pairs]),
        "## What they cost",
        markdown_table(_rows(results.runs, COST)),
        "## Pictures",
        *(f"![{escape(title)}]({file.relative_to(path.parent).as_posix()})" for title, file in pictures.items()),
        "## Where the figures come from",
        markdown_table([["Run", *results.runs[0].facts], *facts]),
        *map(escape, notes(results)),
    ]
    replace_text(path, "\n\n".join(parts) + "\n")


def terminal_table(results: Results) -> str:
    """Align the figures that matter most in columns."""
    columns = [column for column in (*columns_of_quality(results.runs), *COST) if column.key in _IN_TERMINAL]
    # A reason would push the columns apart; page and Markdown hold it.
    rows = _rows(results.runs, columns, missing="-")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _rows(runs: Sequence[Measured], columns: Sequence[Column], missing: str | None = None) -> list[list[str]]:
    body = [[run.label, *_texts([cell(run.figures, column) for column in columns], missing)] for run in runs]
    return [["Run", *(column.title for column in columns)], *body]


def _texts(cells: Sequence[Cell], missing: str | None = None) -> list[str]:
    return [missing if one.missing and missing else one.text for one in cells]
