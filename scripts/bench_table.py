"""Put the JSON of several benchmarks into one Markdown table.

python scripts/bench_table.py outputs/bench/*.json
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from melanoma.markdown import markdown_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", help="what bench_*.py printed")
    print(table(parser.parse_args().files))


def table(files: list[Path]) -> str:
    """Give a row for each figure of each file."""
    rows = [
        [file.stem, name, value]
        for file in files
        for name, value in figures(json.loads(file.read_text(encoding="utf-8")))
    ]
    return markdown_table([["Benchmark", "Figure", "Value"], *rows])


def figures(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every plain value below, named by the keys and places that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from figures(inner, f"{name} {key}".strip())
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for place, inner in enumerate(value):
            yield from figures(inner, f"{name} {place}".strip())
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    else:
        yield name, str(value)


if __name__ == "__main__":
    main()
