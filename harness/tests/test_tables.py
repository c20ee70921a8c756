"""A table in any format keeps every number and every header, whatever the names and the width."""

from __future__ import annotations

import html
import re
from io import StringIO
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markupsafe import Markup
from rich.cells import cell_len
from rich.console import Console

from harness.printing import live_line, print_table, print_tables
from harness.stats.labels import code, inert, plain
from harness.tables import Column, html_cells, html_head, html_table, markdown_table, pick

any_text = st.text(st.characters(exclude_categories=()), max_size=60)


class Entry(NamedTuple):
    name: str
    arm: str
    size: str
    change: str
    note: str


COLUMNS: list[Column[Entry]] = [
    Column("name", lambda row: row.name, kind="name", header="binary", most=24),
    Column("arm", lambda row: row.arm, kind="name", header="arm", most=10),
    Column("size", lambda row: row.size, kind="number", header="peak heap", least=10),
    Column("change", lambda row: row.change, kind="number"),
    Column("note", lambda row: row.note, header="what it found"),
]
HEADERS = [column.title for column in COLUMNS]

numbers = st.builds(
    "{}{:,.1f}{}".format,
    st.sampled_from(["", "=", "~", "+", "-"]),
    st.floats(0, 1e12),
    st.sampled_from([" KiB", " MiB", " %?", " > 0.0", ""]),
)
entries = st.lists(st.builds(Entry, any_text, any_text, numbers, numbers, any_text), max_size=5)


def printed(rows: list[Entry], width: int) -> str:
    file = StringIO()
    print_table(COLUMNS, rows, Console(file=file, width=width, color_system=None))
    return file.getvalue()


@given(entries, st.integers(20, 200))
def test_no_terminal_cuts_a_number_or_loses_a_header(rows: list[Entry], width: int) -> None:
    text = printed(rows, width)
    for shown in [*HEADERS, *(number for row in rows for number in (row.size, row.change))]:
        assert shown in text
    assert "\x1b" not in text


@given(entries, st.integers(50, 200))
def test_no_line_is_wider_than_the_terminal(rows: list[Entry], width: int) -> None:
    assert max(map(cell_len, printed(rows, width).splitlines()), default=0) <= width


@given(entries)
def test_markdown_and_html_keep_every_number_and_header(rows: list[Entry]) -> None:
    page = MarkdownIt("commonmark").enable("table").render(markdown_table(COLUMNS, rows))
    body = Markup("").join(html_cells(COLUMNS, row) for row in rows)
    for text in (page, html_head(COLUMNS) + body, html_table(COLUMNS, rows)):
        cells = [
            html.unescape(re.sub(r"<[^>]*>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", text, re.DOTALL)
        ]
        assert cells[: len(COLUMNS)] == HEADERS
        table = [cells[at : at + len(COLUMNS)] for at in range(0, len(cells), len(COLUMNS))][1:]
        assert [(row[2], row[3]) for row in table] == [(row.size, row.change) for row in rows]


def test_names_that_are_cut_stay_apart_and_are_cut_alike_in_every_group() -> None:
    first, second = (Entry("x" * 50 + tail, "a", "1 B", "0 %", "") for tail in "yy")
    groups = {"one": [first, Entry("x" * 50 + "z", "a", "1 B", "0 %", "")], "two": [second]}
    file = StringIO()
    print_tables(COLUMNS, groups, Console(file=file, width=80, color_system=None))
    labels = [line.split()[0] for line in file.getvalue().splitlines() if " B " in line]
    assert labels[0] == labels[2] != labels[1]
    assert all(len(label) == COLUMNS[0].most for label in labels)


def test_a_narrow_terminal_gets_a_line_for_each_cell() -> None:
    row = Entry("libelf.so", "streaming", "=716.8 KiB", "-11.6 %", "nothing")
    assert printed([row], 20).splitlines() == [
        *("binary: libelf.so", "arm: streaming", "peak heap:", "=716.8 KiB"),
        *("change: -11.6 %", "what it found:", "nothing", ""),
    ]


@given(any_text)
def test_lines_printed_one_at_a_time_line_up(name: str) -> None:
    columns = [
        Column[Entry]("name", lambda row: row.name, kind="name", header="binary", least=9),
        *pick(COLUMNS, "size"),
    ]
    row = Entry(name, "a", "1.0 MiB", "", "")
    assert live_line(columns, row).cell_len == live_line(columns).cell_len == 20


@given(any_text)
def test_a_code_span_shows_exactly_the_name(text: str) -> None:
    page = MarkdownIt("commonmark").enable("table").render(f"|a|\n|-|\n|{code(text)}|\n")
    (shown,) = re.findall(r"<td><code>(.*?)</code></td>", page, re.DOTALL)
    assert html.unescape(shown).strip() == inert(text).replace("|", r"\x7c").strip()


@given(any_text)
def test_plain_markdown_shows_exactly_the_text(text: str) -> None:
    page = MarkdownIt("commonmark").renderInline(f"x{plain(text)}x")
    assert html.unescape(page) == f"x{inert(text)}x"
