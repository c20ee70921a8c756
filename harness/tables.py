"""Tables for people: a column is declared once, and a terminal, Markdown and HTML walk it.

No format cuts a number or leaves a header out. `harness.printing` has what a terminal shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, Literal, TypeVar

from markupsafe import Markup, escape
from msgspec import Struct

from harness.stats.labels import Markdown, code, inert, plain, shorten

T = TypeVar("T")

NOTHING = "-"
"""What a cell shows where there is no value."""

_TURN = " -> "  # pure ASCII: there are still terminals and logs that are
_TURN_ON_PAGE = " \N{RIGHTWARDS ARROW} "

_DOCUMENT_NAME = 60
_FIRST = {True: "descending", False: "ascending"}
_RULES = {"left": "---", "center": ":-:", "right": "---:"}


class Column(Struct, Generic[T], frozen=True):
    """One column: what it is called, what its cells show, and what they are sorted by.

    A `name` is shortened in the middle where there is no room, and is code in Markdown; `text` is
    folded; a `number` is aligned right and never touched.

    Attributes:
        key: What code calls the column.
        cell: Returns the text of a cell.
        kind: How a cell may be changed to fit.
        header: What people call it, if not by its key.
        short: The header in a terminal, where the usual one is too long.
        long: The header in Markdown, where there is room for more words.
        sort: Returns what a row is sorted by; None sorts last. Without it the text decides.
        exact: Returns the unrounded value, which a page shows when it is pointed at.
        style: Returns the style of a cell in a terminal.
        hint: What the column means, which a page shows when its header is pointed at.
        css: The classes of its cells on a page; a number has its own without it.
        rising: The first click on the header of a number puts the smallest first.
        head: Its cells are the headers of their rows.
        align: How its cells are aligned; numbers are to the right without it, others to the left.
        least: The fewest characters in a terminal, so that tables below each other line up.
        most: The most characters of a name in 80 columns; a wider terminal adds to them.
        markdown: Returns a cell that is Markdown already.
        html: Returns a cell that is HTML already.
    """

    key: str
    cell: Callable[[T], str]
    kind: Literal["name", "text", "number"] = "text"
    header: str = ""
    short: str = ""
    long: str = ""
    sort: Callable[[T], float | str | None] | None = None
    exact: Callable[[T], str] | None = None
    style: Callable[[T], str] | None = None
    hint: str = ""
    css: str = ""
    rising: bool = False
    head: bool = False
    align: Literal["", "left", "center", "right"] = ""
    least: int = 0
    most: int = 0
    markdown: Callable[[T], Markdown] | None = None
    html: Callable[[T], Markup] | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.header or self.key

    @property
    def classes(self) -> str:
        """The classes of its cells on a page."""
        return f"num {self.css}".rstrip() if self.kind == "number" else self.css

    @property
    def justify(self) -> Literal["left", "center", "right"]:
        """How its cells are aligned."""
        return self.align or ("right" if self.kind == "number" else "left")


def turn(old: str, new: str) -> str:
    """Return what the baseline has and what the candidate has, with an arrow between them."""
    return NOTHING if old == new == NOTHING else f"{old}{_TURN}{new}"


def pick(columns: Iterable[Column[T]], keys: str) -> list[Column[T]]:
    """Return the columns with these keys, which spaces separate, in the order of the keys.

    A key that no column has here is left out.
    """
    known = {column.key: column for column in columns}
    return [known[key] for key in keys.split() if key in known]


def markdown_table(columns: Sequence[Column[T]], rows: Iterable[T]) -> Markdown:
    """Return a Markdown table, without a line break at its end."""
    head = [plain(column.long or column.title) for column in columns]
    rule = [_RULES[column.justify] for column in columns]
    body = ([_markdown_cell(column, row) for column in columns] for row in rows)
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *body)]
    return Markdown("\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]]))


def _markdown_cell(column: Column[T], row: T) -> Markdown:
    if column.markdown is not None:
        return column.markdown(row)
    text = column.cell(row)
    return code(shorten(text, _DOCUMENT_NAME)) if column.kind == "name" else plain(text)


def html_head(columns: Iterable[Column[T]]) -> Markup:
    """Return the header cells of an HTML table; each holds a button for a script that sorts."""
    return Markup("\n").join(
        Markup(
            '<th scope="col"{}><button type="button" disabled>{}'
            '<span class="arrow" aria-hidden="true"></span></button></th>'
        ).format(
            _attributes(
                {
                    "class": column.classes,
                    "title": inert(column.hint),
                    "data-kind": "number" if column.kind == "number" else "text",
                    "data-first": _FIRST[column.kind == "number" and not column.rising],
                }
            ),
            inert(column.title),
        )
        for column in columns
    )


def html_table(columns: Sequence[Column[T]], rows: Iterable[T]) -> Markup:
    """Return an HTML table whose rows stand in their order, for good."""
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(
            _attributes({"class": column.classes}), inert(column.long or column.title)
        )
        for column in columns
    )
    body = Markup("\n").join(Markup("<tr>{}</tr>").format(html_cells(columns, row)) for row in rows)
    return Markup(
        '<table class="plain"><thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody></table>'
    ).format(head, body)


def html_cells(columns: Iterable[Column[T]], row: T) -> Markup:
    """Return the cells of one row; a name is the header of its row."""
    return Markup("\n").join(_html_cell(column, row) for column in columns)


def _html_cell(column: Column[T], row: T) -> Markup:
    text = inert(column.cell(row))
    attributes = {"class": column.classes, "title": column.exact(row) if column.exact else ""}
    if column.sort is not None:
        key = column.sort(row)
        attributes["data-key"] = "" if key is None else inert(str(key))
    on_page = text.replace(_TURN, _TURN_ON_PAGE) if column.kind == "number" else text
    shown = column.html(row) if column.html else escape(on_page)
    if column.head:
        return Markup('<th scope="row"{}>{}</th>').format(_attributes(attributes), shown)
    return Markup("<td{}>{}</td>").format(_attributes(attributes), shown)


def _attributes(found: Mapping[str, str]) -> Markup:
    return Markup("").join(
        Markup(' {}="{}"').format(name, value)
        for name, value in found.items()
        if value or name == "data-key"
    )
