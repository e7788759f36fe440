"""HTML pages of one file that open without a network, light or dark, and print."""

import base64
import hashlib
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """A PNG as a page needs it: a data URI, width and height in pixels."""

    title: str
    source: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Cell:
    """What a table shows in one place."""

    text: str
    sort: float | str | None = None
    """What the column is sorted by; None: the text."""
    missing: bool = False
    """The text says why there is no value."""
    note: str = ""
    """Below the text, in small."""


@dataclass(frozen=True)
class Table:
    """Rows below a head; the first cell of a row names it."""

    caption: str
    head: list[str]
    rows: list[list[Cell]]
    sortable: bool = False


@dataclass(frozen=True)
class Card:
    """One case: pictures side by side, and what is known of it."""

    title: str
    pictures: list[Picture]
    lines: list[str]


@dataclass(frozen=True)
class Cards:
    """Cases below a caption."""

    caption: str
    cards: list[Card]


@dataclass(frozen=True)
class Section:
    """A part of a page, from top to bottom."""

    title: str
    lead: str = ""
    """What was found, in a sentence or two."""
    pictures: list[Picture] = field(default_factory=list)
    cards: list[Cards] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """How to read it."""


def number(value: float | int | None, form: str = "{:.3f}", why_missing: str = "not defined") -> Cell:
    """Show a number, or why there is none."""
    return Cell(why_missing, sort="", missing=True) if value is None else Cell(form.format(value), sort=value)


def interval(low: float | None, high: float | None, form: str = "{:.3f}") -> str:
    """Write an interval; empty where there is none."""
    return "" if low is None or high is None else f"{form.format(low)} to {form.format(high)}"


def embed(title: str, file: Path, alt: str = "") -> Picture:
    """Read a PNG into a page; ValueError for a file that is none."""
    content = file.read_bytes()
    if not content.startswith(PNG_SIGNATURE) or len(content) < 24:
        raise ValueError(f"{file} is not a PNG picture")
    return embed_png(title, content, alt or f"Plot: {title}. Its figures are in the tables of this page.")


def embed_png(title: str, content: bytes, alt: str) -> Picture:
    """Put the bytes of a PNG into a page."""
    width, height = struct.unpack(">II", content[16:24])  # a PNG starts with its header chunk
    return Picture(title, "data:image/png;base64," + base64.b64encode(content).decode(), width, height, alt)


def write_page(path: Path, template: str, **values: Any) -> None:
    """Write a page, whole or not at all; every template needs a `title` and a `finding`, its first sentence."""
    # Names of images, data sets and files are the user's text, and must not become markup: hence autoescape.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["script_hash"] = _script_hash
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(environment.get_template(template).render(values), encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _script_hash(script: str) -> str:
    """Give what the page's content policy knows its one script by, so that no other one runs."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
