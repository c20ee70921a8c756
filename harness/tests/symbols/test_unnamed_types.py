"""Types without a name take that of a typedef, become part of the type around them, or count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.config import Limits
from harness.symbols.dwarf.strings import CUT
from harness.symbols.native.unnamed import UnnamedTypes
from harness.tests.symbols.binaries import FIXTURES
from harness.tests.symbols.test_declarators import CPP, C, children, types_in


def test_a_type_takes_the_name_of_the_first_typedef_that_refers_to_it() -> None:
    scopes, _ = children(C)
    assert types_in(scopes, "point") == {"x": "int", "y": "int"}
    assert types_in(scopes, "alias") == {"first": "int"}
    names = {scope.name for scope in scopes if scope.scope_type == "struct"}
    assert names == {"point", "halves", "colour", "alias", "packet"}


def test_members_of_an_unnamed_member_are_those_of_the_type_around_it() -> None:
    scopes, _ = children(C)
    assert list(types_in(scopes, "packet")) == [
        "kind", "number", "real", "imaginary", "nested", "unnamed", "table", "names", "rest",
    ]  # fmt: skip
    assert types_in(scopes, "halves") == {"whole": "int", "low": "short int", "high": "short int"}
    assert list(types_in(children(CPP)[0], "outer::variant")) == ["tag", "number", "object"]


def test_what_a_typedef_names_is_named_so_everywhere() -> None:
    scopes, _ = children(CPP)
    assert types_in(scopes, "outer::interval") == {"low": "int", "high": "int"}
    (span,) = [scope for scope in scopes if scope.name == "span"]
    assert span.language_specifics is not None
    assert span.language_specifics.qualified_name == "outer::interval::span"
    assert [symbol.type for symbol in span.symbols] == ["outer::interval *const"]


def test_types_that_nothing_names_are_counted() -> None:
    """A named member's, that behind a pointer, and the one whose typedef is qualified."""
    assert children(C)[1] == {"type without a name": 3}
    assert children(CPP)[1] == {}


def test_a_function_in_a_module_is_qualified_by_it() -> None:
    (function,) = children(FIXTURES / "cpp" / "module.so")[0]
    assert function.language_specifics is not None
    assert function.language_specifics.qualified_name == "mymod::f"


def test_a_path_of_long_names_is_cut_and_counted() -> None:
    scopes, skipped = children(CPP, Limits(string_bytes=8))
    (span,) = [scope for scope in scopes if scope.name == "span"]
    assert span.language_specifics is not None
    assert span.language_specifics.qualified_name == "outer::i::span"
    assert skipped[CUT] > 0


@given(
    types=st.sets(st.integers(1, 60)),
    typedefs=st.dictionaries(st.integers(1, 60), st.integers(1, 60)),
)
def test_the_first_typedef_is_found_whether_it_stands_before_its_type_or_behind(
    types: set[int], typedefs: dict[int, int]
) -> None:
    unnamed = UnnamedTypes()
    for offset in range(61):
        if offset in types:
            unnamed.note_type(offset)
        elif offset in typedefs:
            unnamed.note_typedef(offset, typedefs[offset])
    unnamed.seal()
    usable = sorted((o, target) for o, target in typedefs.items() if o not in types)
    expected = {target: offset for offset, target in reversed(usable) if target in types}
    assert {offset: unnamed.typedef_of(offset) for offset in unnamed.iter_named()} == expected
    assert unnamed.without_typedef == len(types) - len(expected)
