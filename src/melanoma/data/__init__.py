"""CSV row -> canonical table -> split -> image -> batch."""
