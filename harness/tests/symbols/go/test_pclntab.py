"""The pclntab reader against tables written in every format, and against damage."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputRejected
from harness.symbols.go.linetable import OWN, LineRows, assign_lines
from harness.symbols.go.pclntab import FUNCDATA_INLINE_TREE, PCDATA_INLINE_INDEX, PcLineTable
from harness.symbols.go.pcvalue import PcTable, read_pc_values
from harness.tests.symbols.crafted import uleb
from harness.tests.symbols.go.pclntab_writer import MAGICS, NO_DATA, TEXT, PclntabWriter, Writable
from harness.tests.symbols.go.test_lines import never

FORMATS = list(itertools.product(MAGICS, ("little", "big"), (4, 8), (1, 2, 4)))
FORMAT_IDS = [f"go{v}-{o}-{p * 8}bit-quantum{q}" for v, o, p, q in FORMATS]
FUNCTIONS = [
    Writable("main.a", 16, [(16, 0)], [(8, 10), (8, 12)], [(16, -1)]),
    Writable("main.b", 32, [(8, 0), (24, 1)], [(4, 300), (28, 20)], [(8, -1), (24, 0)], tree=64),
    Writable("main.c", 1024, [(1024, 1)], [(512, 5), (512, 4)], [(1024, -1)]),
]
FILES = ["main/a.go", "main/b.go"]


@pytest.mark.parametrize(("version", "order", "pointer_size", "quantum"), FORMATS, ids=FORMAT_IDS)
def test_every_format_yields_the_same_functions(
    version: str, order: str, pointer_size: int, quantum: int
) -> None:
    section = PclntabWriter(version, order, pointer_size, quantum).section(FUNCTIONS, FILES)
    table = PcLineTable(section, TEXT, TEXT + 1072)
    found = table.find(TEXT + 20)
    assert found is not None
    assert (found.entry, found.end) == (TEXT + 16, TEXT + 48)
    assert table.name(found.name_offset) == "main.b"
    lines = table.pc_values(found, found.line_table)
    assert lines == PcTable([TEXT + 16, TEXT + 20, TEXT + 48], [300, 20])
    files = table.pc_values(found, found.file_table)
    assert [table.file(found, number) for number in files.values] == FILES
    owners = table.pc_values(found, found.pc_tables[PCDATA_INLINE_INDEX])
    assert owners.values == [-1, 0]
    assert found.data[FUNCDATA_INLINE_TREE] == 64


@pytest.mark.parametrize(
    ("pc", "name"),
    [
        (TEXT - 1, None),
        (TEXT, "main.a"),
        (TEXT + 15, "main.a"),
        (TEXT + 16, "main.b"),
        (TEXT + 48, "main.c"),
        (TEXT + 1071, "main.c"),
        (TEXT + 1072, None),
        (1 << 63, None),
    ],
)
def test_a_pc_belongs_to_the_function_that_begins_at_or_before_it(
    pc: int, name: str | None
) -> None:
    table = PcLineTable(PclntabWriter("1.20", "little", 8, 1).section(FUNCTIONS, FILES), TEXT)
    found = table.find(pc)
    assert (found and table.name(found.name_offset)) == name


def test_lookups_agree_with_a_linear_search_across_pages() -> None:
    many = [Writable(f"p.f{i}", 4 + 4 * (i % 3), [], [], []) for i in range(3000)]
    table = PcLineTable(PclntabWriter("1.20", "little", 8, 1).section(many, FILES), TEXT)
    starts = list(itertools.accumulate((f.size for f in many), initial=TEXT))
    for index in [*range(0, 3000, 7), 2999, 0, 1500, 1023, 1024]:
        found = table.find(starts[index] + many[index].size - 1)
        assert found is not None
        assert table.name(found.name_offset) == f"p.f{index}"


def test_an_unknown_magic_is_rejected() -> None:
    writer = PclntabWriter("1.20", "little", 8, 1)
    section = writer.section([], [])
    assert section.read(0, 4) == b"\xf1\xff\xff\xff"
    with pytest.raises(InputRejected, match="magic"):
        PcLineTable(writer.store(b"\xf9" + section.read(1, section.size - 1)))


@given(at=st.integers(0, 600), octet=st.integers(0, 255), cut=st.integers(0, 700))
def test_for_all_damage_the_reader_answers_or_rejects(at: int, octet: int, cut: int) -> None:
    writer = PclntabWriter("1.20", "little", 8, 1)
    data = bytearray(writer.image(FUNCTIONS, FILES))
    data[at % len(data)] = octet
    section = writer.store(bytes(data[: max(1, len(data) - cut)]))
    try:
        table = PcLineTable(section, TEXT)
        for pc in range(TEXT, TEXT + 1072, 97):
            found = table.find(pc)
            if found is not None:
                table.name(found.name_offset)
                for number in table.pc_values(found, found.file_table).values:
                    table.file(found, number)
    except InputRejected:
        pass


F, G = OWN, 3


def _table(ranges: list[tuple[int, int, int]]) -> PcTable:
    return PcTable(
        [low for low, _, _ in ranges] + [ranges[-1][1]], [value for _, _, value in ranges]
    )


def _assign(
    lines: list[tuple[int, int, int]],
    nobodys: set[int],
    owners: list[tuple[int, int, int]],
    keys: dict[int, int],
) -> dict[int, list[tuple[int, int]]]:
    found, _ = assign_lines(LineRows(_table(lines), nobodys), _table(owners), keys, never)
    return {key: list(zip(t.begins, t.lines, strict=True)) for key, t in found.items()}


EACH = {F: F, G: G}


LINES = [(0, 10, 1), (10, 20, 50), (20, 30, 2), (30, 40, 51)]
OWNERS = [(0, 10, F), (10, 20, G), (20, 25, F), (25, 30, F), (30, 40, G)]
THREE = [(0, 10, F), (10, 20, G), (20, 30, 4)]


@pytest.mark.parametrize(
    ("lines", "nobodys", "owners", "keys", "found"),
    [
        (LINES, set(), OWNERS, EACH, {F: [(0, 1), (20, 2), (25, 2)], G: [(10, 50), (30, 51)]}),
        (LINES[:3], set(), THREE, {F: F}, {F: [(0, 1)]}),
        (LINES[:3], set(), THREE, {F: F, G: G, 4: G}, {F: [(0, 1)], G: [(10, 50), (20, 2)]}),
        ([(0, 30, 7)], set(), [*THREE[:2], (20, 30, F)], EACH,
         {F: [(0, 7), (20, 7)], G: [(10, 7)]}),
        ([(0, 15, 7), (15, 30, 8)], set(), [(0, 10, G), (10, 30, F)], EACH,
         {G: [(0, 7)], F: [(15, 8)]}),
        ([(0, 4, 1), (4, 8, 9)], {0}, [(0, 99, F)], EACH, {F: [(4, 9)]}),
        ([(0, 8, 1)], {0}, [(0, 4, G), (4, 8, F)], EACH, {}),
    ],
    ids=["whoever owns the pc", "owners without a key", "owners of one key", "cut at borders",
         "the rest of another's line", "generated code", "all of it generated"],
)  # fmt: skip
def test_lines_go_to_whoever_owns_the_pc_and_nowhere_else(
    lines: list[tuple[int, int, int]],
    nobodys: set[int],
    owners: list[tuple[int, int, int]],
    keys: dict[int, int],
    found: dict[int, list[tuple[int, int]]],
) -> None:
    assert _assign(lines, nobodys, owners, keys) == found


def test_what_is_assigned_ends_where_its_last_pc_is() -> None:
    assert assign_lines(LineRows(_table(LINES)), _table(OWNERS), EACH, never)[1] == {F: 25, G: 30}


def test_where_one_line_runs_on_only_a_change_of_file_makes_it_the_next_owners() -> None:
    """Go pads behind a call that was inlined, and the padding has the line of that call."""
    lines, owners = _table([(0, 30, 7)]), _table([(0, 10, F), (10, 20, G), (20, 30, F)])
    found, _ = assign_lines(LineRows(lines, borders={10}), owners, EACH, never)
    assert [(key, table.begins) for key, table in found.items()] == [(F, [0]), (G, [10])]


NUMBERS = st.integers(0, (1 << 32) - 1)
STEPS = st.one_of(st.integers(0, 200), NUMBERS)


def _octets(number: int, padding: int = 0) -> bytes:
    """Encode a number, with an octet more than it needs if told to."""
    found = uleb(number)
    return bytes([*found[:-1], found[-1] | 128, 0]) if padding else found


@given(
    pairs=st.lists(st.tuples(NUMBERS, STEPS, st.integers(0, 1)), min_size=1),
    quantum=st.sampled_from((1, 2, 4)),
    before=st.binary(max_size=3),
)
def test_for_all_tables_values_and_bounds_add_up(
    pairs: list[tuple[int, int, int]], quantum: int, before: bytes
) -> None:
    encoded, bounds, values, value = b"", [1000], list[int](), -1
    for delta, step, padding in pairs:
        # The zero that ends a table is one octet; a zero delta inside it takes two.
        encoded += _octets(delta, padding or (not delta and encoded != b"")) + _octets(step)
        value += ~(delta >> 1) if delta & 1 else delta >> 1
        if step:
            bounds.append(bounds[-1] + step * quantum)
            values.append(value)
    section = PclntabWriter("1.20", "little", 8, 1).store(before + encoded + b"\0")
    assert read_pc_values(section, len(before), 1000, quantum) == PcTable(bounds, values)


def test_no_data_means_no_inline_tree() -> None:
    section = PclntabWriter("1.20", "little", 8, 1).section(FUNCTIONS, FILES)
    found = PcLineTable(section, TEXT).find(TEXT)
    assert found is not None
    assert found.data[FUNCDATA_INLINE_TREE] == NO_DATA
