"""Tables as Markdown."""

import re


def escape(text: str) -> str:
    """Keep Markdown and HTML from reading anything into a name."""
    return re.sub(r"([\\`*_\[\]<>|~$&])", r"\\\1", text)


def markdown_table(rows: list[list[str]]) -> str:
    """Write rows, the first one as the head."""
    head, *body = [f"| {' | '.join(map(escape, row))} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])
