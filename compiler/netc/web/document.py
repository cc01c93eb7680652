"""An HTML page in one file: the style stands in it, and it asks for nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from html import escape
from importlib.resources import files

Row = Sequence[str]  # cells of HTML


def document(title: str, parts: Iterable[str]) -> str:
    """The page; `parts` are HTML. It reads well on light and dark screens, and in print."""
    style = files("netc.web").joinpath("style.css").read_text(encoding="utf-8")
    return "\n".join([
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">', f"<title>{escape(title)}</title>",
        f"<style>\n{style}</style>", "</head>", "<body>", *filter(None, parts), "</body>", "</html>", "",
    ])  # fmt: skip


def section(title: str, body: str, note: str = "") -> str:
    """A headline with what belongs under it; nothing where the body is empty."""
    small = f" <small>{escape(note)}</small>" if note else ""
    return f"<section>\n<h2>{escape(title)}{small}</h2>\n{body}\n</section>" if body else ""


def columns(parts: Iterable[str]) -> str:
    """Parts side by side where there is room."""
    shown = [part for part in parts if part]
    return f'<div class="columns">\n{"".join(shown)}\n</div>' if len(shown) > 1 else "".join(shown)


def tiles(pairs: Iterable[tuple[str, str]]) -> str:
    """Large figures, each with what it is."""
    return f'<ul class="tiles">{"".join(f"<li><b>{escape(value)}</b><span>{escape(name)}</span></li>" for name, value in pairs)}</ul>'


def table(head: Row, rows: Iterable[Row], kind: str = "", best: Collection[tuple[int, int]] = ()) -> str:
    """A table of texts; numbers are set to the right unless `kind` is `words`. `best` are cells (row, column) to stand out."""
    lines = [f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>"] if any(head) else []
    for i, row in enumerate(rows):
        cells = (f'<td class="best">{escape(cell)}</td>' if (i, j) in best else f"<td>{escape(cell)}</td>" for j, cell in enumerate(row))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="overflow"><table{f" class={kind!r}" if kind else ""}>\n' + "\n".join(lines) + "\n</table></div>"


def figure(svg: str, caption: str = "", kind: str = "") -> str:
    """A picture with what is to be seen."""
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure{f' class={kind!r}' if kind else ''}>\n{svg}\n{words}</figure>"


def code(text: str) -> str:
    """Plain text in a box, as it is."""
    return f"<pre>{escape(text)}</pre>"


def details(title: str, body: str) -> str:
    """What is folded away until it is asked for."""
    return f"<details><summary>{escape(title)}</summary>\n{body}\n</details>"


# --- pictures -----------------------------------------------------------------------------------------------------


def inlined(svg: str, colors: Iterable[tuple[str, str]] = ()) -> str:
    """An SVG file as it can stand in a page: without what is for files only, and with colors that follow the page's.

    `colors` are pairs of a color in the file and a name of the style sheet, without its dashes.
    """
    text = svg[svg.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r'(<g[^>]*?) id="[^"]*"', r"\1", text)  # several pictures in one page would have the same
    text = re.sub(r' xmlns:xlink="[^"]*"| xmlns="[^"]*"', "", text).replace("xlink:href", "href")
    for color, name in colors:
        text = text.replace(color, f"var(--{name})")
    return "\n".join(line for line in text.splitlines() if line.strip())
