"""Reports as one HTML file that needs nothing else: a style, tables, pictures inside."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1120px; margin: 2em auto;
  padding: 0 1em; }
h1 { margin-bottom: 0.3em; }
h2 { margin-top: 2em; border-bottom: 1px solid #ccc; }
.simulated { background: #b3261e; color: #fff; padding: 0.6em 1em; font-size: 1.15em; }
table { border-collapse: collapse; margin: 0.8em 0; }
th, td { text-align: left; padding: 0.2em 0.9em 0.2em 0; border-bottom: 1px solid #e4e4e4; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.bar { width: 260px; }
td.bar span { display: block; height: 0.8em; background: #1e6edc; }
.swatch { display: inline-block; width: 1.6em; height: 0.9em; }
code { font-size: 0.9em; overflow-wrap: anywhere; }
p.note, figcaption { color: #555; }
img { max-width: 100%; }
.sheets { display: flex; flex-wrap: wrap; gap: 1.5em; }
figure { margin: 0; width: 512px; }
"""


def write_page(path: Path, title: str, parts: Sequence[str]) -> None:
    """Write a page.

    Args:
        path: of the HTML file; its folder must be there.
        title: of the page.
        parts: HTML, one after the other; empty ones are left out.

    Raises:
        OSError: the file cannot be written.
    """
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )
    path.write_text(text, encoding="utf-8")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Cells are HTML; those of the columns ``numbers`` stand to the right."""

    def cell(kind: str, column: int, text: str) -> str:
        name = "number" if column in numbers else "bar" if text.startswith("<span") else ""
        return f'<{kind} class="{name}">{text}</{kind}>' if name else f"<{kind}>{text}</{kind}>"

    lines = [("th", heads)] if heads else []
    lines += [("td", row) for row in rows]
    body = "\n".join(
        "<tr>" + "".join(cell(kind, n, text) for n, text in enumerate(cells)) + "</tr>"
        for kind, cells in lines
    )
    return f"<table>\n{body}\n</table>\n"


def image(picture: NDArray[np.uint8], kind: str, text: str) -> str:
    """A bgr8 picture in the page itself."""
    _, data = cv2.imencode(f".{kind}", picture)
    return embedded(data.tobytes(), kind, text)


def embedded(data: bytes, kind: str, text: str) -> str:
    """Coded data of a picture in the page itself."""
    coded = base64.b64encode(data).decode("ascii")
    return f'<img src="data:image/{kind};base64,{coded}" alt="{escape(text, quote=True)}">\n'
