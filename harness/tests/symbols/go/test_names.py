"""Go symbol names: every form of section 2.4, and what holds for all of them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.symbols.go.names import (
    FunctionName,
    MalformedNameError,
    Rejection,
    canonical_generics,
    canonical_type_name,
    parse_function_name,
    split_package,
    unescape_path,
    unescape_type_name,
)

ORACLE = "example.com/kv/oracle"

ACCEPTED = [
    # symbol, package, receiver, short name
    ("main.main", "main", "", "main"),
    ("example.com/kv.func1", "example.com/kv", "", "func1"),
    ("example.com/kv.func1x", "example.com/kv", "", "func1x"),
    ("example.com/kv/server.shard.worker", "example.com/kv/server", "shard", "worker"),
    ("example.com/kv/server.(*shard).worker", "example.com/kv/server", "shard", "worker"),
    ("example.com/lib%2ev2.F", "example.com/lib.v2", "", "F"),
    ("example.com/lib%2ev2.(*T).M", "example.com/lib.v2", "T", "M"),
    ("example.com/lib%2.F", "example.com/lib%2", "", "F"),
    ("glob.Match", "glob", "", "Match"),
    ("glob.func1", "glob", "", "func1"),
    ("example.com/glob.Compile", "example.com/glob", "", "Compile"),
    ("os.glob", "os", "", "glob"),
    ("path/filepath.glob.deferwrap1", "path/filepath", "", "glob.deferwrap1"),
    ("os.init", "os", "", "init"),
    ("os.init.0", "os", "", "init.0"),
    ("os.init.0.func1", "os", "", "init.0.func1"),
    ("example.com/sentry-go.NewClient.func1", "example.com/sentry-go", "", "NewClient.func1"),
    (f"{ORACLE}.follower.Choose.func1", ORACLE, "", "follower.Choose.func1"),
    (f"{ORACLE}.(*follower).Choose.func1", ORACLE, "", "follower.Choose.func1"),
    ("main.(*api).exec.func8.1.3.2", "main", "", "api.exec.func8.1.3.2"),
    (
        "main.(*W).flush.Group.GoCtx.func7.1.deferwrap1",
        "main",
        "",
        "W.flush.Group.GoCtx.func7.1.deferwrap1",
    ),
    ("runtime.gcMarkDone.forEachP.func5", "runtime", "", "gcMarkDone.forEachP.func5"),
    ("main.run.(*seq).Add.func5", "main", "", "run.(*seq).Add.func5"),
    ("main.run.func4.(*seq).Add.2", "main", "", "run.func4.(*seq).Add.2"),
    ("runtime.(*sl).sweep.(*mheap).free.func2", "runtime", "", "sl.sweep.(*mheap).free.func2"),
    ("main.(*T).M.N", "main", "", "T.M.N"),
    ("main.A.B.C", "main", "", "A.B.C"),
    ("main.f.gowrap1", "main", "", "f.gowrap1"),
    ("main.f.gowrap", "main", "", "f.gowrap"),
    ("main.f.deferwrap2", "main", "", "f.deferwrap2"),
    ("main.f-range1", "main", "", "f-range1"),
    ("main.f.func1-range2", "main", "", "f.func1-range2"),
    ("main.T.M-range1", "main", "", "T.M-range1"),
    ("main.T.M-fm", "main", "T", "M"),
    ("main.(*T).M-fm", "main", "T", "M"),
    ("main.Map[go.shape.int,go.shape.string]", "main", "", "Map[...]"),
    ("main.Map[go.shape.[]uint8]", "main", "", "Map[...]"),
    ("main.Map[go.shape.int].func1", "main", "", "Map[...].func1"),
    ("main.List[go.shape.int].Len", "main", "List[...]", "Len"),
    ("main.(*List[go.shape.int]).Push", "main", "List[...]", "Push"),
    ("main.(*List[go.shape.int]).Push.func1", "main", "", "List[...].Push.func1"),
    ("main.Set[sync/atomic.Pointer[os.File]].Has", "main", "Set[...]", "Has"),
    ("example.com/x.foo[sync/atomic.X].M", "example.com/x", "foo[...]", "M"),
    (
        "os.init.OnceValue[go.shape.interface { Error() string }].func3",
        "os",
        "",
        "init.OnceValue[...].func3",
    ),
]


@pytest.mark.parametrize(
    ("symbol", "package", "receiver", "name"), ACCEPTED, ids=[c[0] for c in ACCEPTED]
)
def test_function_names_split_into_package_receiver_and_short_name(
    symbol: str, package: str, receiver: str, name: str
) -> None:
    expected = FunctionName(package, receiver, name, canonical_generics(symbol))
    assert parse_function_name(symbol) == expected


REJECTED = [
    ("go:buildid", Rejection.COMPILER),
    ("go:struct { F int }.F", Rejection.COMPILER),
    ("type:.eq.main.T", Rejection.COMPILER),
    ("type:.hash.[4]main.T", Rejection.COMPILER),
    ("type..eq.main.T", Rejection.COMPILER),
    ("main..inittask", Rejection.COMPILER),
    ("main..stmp_17", Rejection.COMPILER),
    ("main..dict.Map[int]", Rejection.COMPILER),
    ("glob..func1", Rejection.GLOBAL_CLOSURE),
    ("os.glob..func1", Rejection.GLOBAL_CLOSURE),
    ("glob.glob..func1.2", Rejection.GLOBAL_CLOSURE),
    ("example.com/lib%2ev2.glob..func1", Rejection.GLOBAL_CLOSURE),
    ("time.map.init.0", Rejection.MAP_INIT),
    ("memcpy", Rejection.BARE),
    ("(*T).M", Rejection.BARE),
    ("foo[sync/atomic.X]", Rejection.BARE),
    ("cgo_lookup.isra.0", Rejection.C_FUNCTION),
    ("resolve.part.3", Rejection.C_FUNCTION),
    ("resolve.constprop.1", Rejection.C_FUNCTION),
    ("", Rejection.BARE),
]


@pytest.mark.parametrize(("symbol", "reason"), REJECTED, ids=[c[0] or "empty" for c in REJECTED])
def test_names_that_are_no_go_functions_are_rejected_with_a_reason(
    symbol: str, reason: Rejection
) -> None:
    assert parse_function_name(symbol) is reason


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("a/b.c/d.F", ("a/b.c/d", "F")),
        ("main.foo[sync/atomic.X].M", ("main", "foo[sync/atomic.X].M")),
        ("foo[sync/atomic.X].M", ("", "foo[sync/atomic.X].M")),
        ("a%2eb/c%2ed.F", ("a%2eb/c%2ed", "F")),
        ("a/b", ("", "a/b")),
    ],
)
def test_the_package_ends_at_the_first_dot_after_the_last_slash_of_the_path(
    symbol: str, parts: tuple[str, str]
) -> None:
    assert split_package(symbol) == parts


@pytest.mark.parametrize("path", ["a%", "a%2", "a%zz", "a%+1b", "a/%2", "a% 1"])
def test_a_malformed_escape_is_an_error_for_types(path: str) -> None:
    with pytest.raises(MalformedNameError):
        unescape_path(path)
    with pytest.raises(MalformedNameError):
        unescape_type_name(f"**{path}.T")


# Types keep their stars, only those that spell out a shape are canonical, brackets nest.
@pytest.mark.parametrize(
    ("spelled", "name", "shown"),
    [
        (unescape_type_name, "gopkg.in/yaml%2ev3.Node", "gopkg.in/yaml.v3.Node"),
        (unescape_type_name, "*lib%2ev2.T", "*lib.v2.T"),
        (unescape_type_name, "*gopkg.in/yaml%2ev3.Node", "*gopkg.in/yaml%2ev3.Node"),
        (unescape_type_name, "[]lib%2ev2.T", "[]lib.v2.T"),
        (unescape_type_name, "*main.T", "*main.T"),
        (unescape_type_name, "lib%2ev2.Pair[lib%2ev2.T]", "lib.v2.Pair[lib%2ev2.T]"),
        (unescape_type_name, "int", "int"),
        (canonical_type_name, "main.Pair[go.shape.int,go.shape.[]uint8]", "main.Pair[...]"),
        (canonical_type_name, "main.Pair[int,string]", "main.Pair[int,string]"),
        (canonical_type_name, "map[string]int", "map[string]int"),
        (canonical_generics, "a[b[c]d]e[f]", "a[...]e[...]"),
        (canonical_generics, "a[b", "a[b"),
        (canonical_generics, "a]b", "a]b"),
        (canonical_generics, "a[b]c[d", "a[...]c[d"),
        (canonical_generics, "a", "a"),
    ],
)
def test_a_name_is_spelled_as_it_is_shown(
    spelled: Callable[[str], str], name: str, shown: str
) -> None:
    assert spelled(name) == shown


def escape_path(path: str) -> str:
    """Return an import path the way symbols spell it: as the compiler does."""
    slash = path.rfind("/")
    return "".join(
        f"%{octet:02x}" if _must_escape(octet, last=index > slash) else chr(octet)
        for index, octet in enumerate(path.encode("utf-8", "surrogateescape"))
    )


def _must_escape(octet: int, *, last: bool) -> bool:
    return octet <= 0x20 or octet >= 0x7F or octet in b'%"' or (last and octet == 0x2E)


@given(st.text(alphabet='ab./-%~"é\x01\x7f+', max_size=24))
def test_for_all_paths_unescaping_undoes_escaping(path: str) -> None:
    assert unescape_path(escape_path(path)) == path


@given(st.text(alphabet="aT.[]()*-/%:0123456789", max_size=40))
def test_for_all_symbols_parsing_is_total_and_canonical_names_parse_to_the_same_name(
    symbol: str,
) -> None:
    once = parse_function_name(symbol)
    if isinstance(once, FunctionName):
        again = parse_function_name(once.qualified)
        assert again == once
