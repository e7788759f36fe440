"""HTML pages of one file that open without a network, light or dark, and print."""

import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"


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
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(environment.get_template(template).render(values), encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
