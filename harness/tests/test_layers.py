"""Who may import whom: the directions that keep measured processes lean and the rooms apart.

A room is a package of the harness, or one of its single modules. The base room, what every other
may import, is the values and errors that flow through all of them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import harness
import harness.symbols
from harness.registry import find, names
from harness.tests.commands import ran

PACKAGE = Path(harness.__file__).parent

BASE = {
    "",
    "nearest",
    "text",
    "model",
    "sharing",
    "errors",
    "config",
    "records",
    "contracts",
    "wire",
}

# What each room may import beyond the base and itself.
MAY_IMPORT: dict[str, set[str]] = {
    "": set(),
    "base": set(),
    "units": set(),
    "registry": set(),
    "residency": {"units"},
    "symbols": set(),
    "pipelines": set(),
    "intake": set(),
    "upload": {"intake"},
    "probes": set(),
    "run.measured": {"symbols", "pipelines", "intake", "probes"},
    "run.launcher": set(),
    "limits": set(),
    "run": {"run.measured", "limits", "intake", "registry", "store", "residency"},
    "bench": {"corpus", "limits", "symbols", "pipelines", "intake", "probes", "run.measured",
              "run", "store"} | {"residency"},
    "toml": set(),
    "corpus": {"units", "toml", "symbols"},
    "store": {"units"},
    "stats": {"units", "residency", "limits"},
    "tables": {"stats"},
    "printing": {"stats", "tables"},
    "loading": {"store", "stats"},
    "gates": {"units", "toml", "stats", "limits"},
    "plots": {"units", "stats", "limits"},
    "reports": {"units", "stats", "tables", "printing", "limits"},
    "drawing": {"plots", "registry", "stats"},
    "publishing": {"drawing", "loading", "plots", "reports", "stats"},
    "tested": {"run", "run.measured", "units"},
    "arms": {"run", "run.measured", "store"},
    "api": {"arms", "corpus", "loading", "printing", "registry", "reports", "run", "stats"}
    | {"tables"},
    "suites": {"corpus", "gates", "limits", "pipelines", "registry", "run", "stats", "units"},
    "comparing": {"loading", "run", "stats", "store"},
    "judging": {"comparing", "gates", "loading", "registry", "run", "stats", "store", "suites"},
    "schemas": {"corpus", "gates", "registry", "reports", "run", "stats", "store", "upload"},
    "__main__": {"cli"},
}  # fmt: skip

# What runs inside a measured process, of the room that also holds the parent's side.
MEASURED = {"start", "worker", "witness", "frames", "sources", "replay", "recording", "called",
            "digest", "measuring", "targets", "testing"}  # fmt: skip

# Single imports against the table, each with its reason; one that is no longer used fails.
EXCEPTIONS = {
    ("", "api"): "what `import harness` offers is imported when it is asked for",
    ("run", "api"): "the package is called as well: harness.run(path)",
    ("run.judge", "probes"): "the parent judges the captures whose format the probes define",
    ("run.cache", "symbols"): "packages come from the files beside a binary too, as they are now",
    ("run.doctor", "run.launcher"): "doctor tries what the launcher does before every worker",
    ("reports.gc_trace", "probes"): "the probe says how a line of its trace is written",
    ("gates.ratchet", "store"): "it makes the bounds that are kept beside a baseline",
    ("stats.metrics", "registry"): "runs from before manifests had declarations",
    ("run.doctor", "probes"): "doctor asks a probe whether this machine can carry it",
}

MEASURED_ROOMS = {"base", "symbols", "pipelines", "intake", "probes", "run.measured"}
HEAVY = {"numpy", "scipy", "pandas", "matplotlib", "rich", "typer", "pydantic", "jinja2"}
HEAVY |= {"importlib.metadata", "urllib3", "tenacity"}
HEAVY |= {"harness.units", "harness.registry", "harness.upload", "harness.cli"}

# Tools that only one room may know.
OWNED = {"elftools": "symbols", "memray": "probes", "typer": "cli", "matplotlib": "plots"}
OWNED |= {"urllib3": "upload", "tenacity": "upload"}


class Import(NamedTuple):
    """One import: the module that is named, and the line that names it."""

    module: str
    line: int


MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in ("tests", "fixtures")
)


def path_of(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def iter_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it, except what only type checkers read."""
    todo = [node]
    while todo:
        one = todo.pop()
        yield one
        unread = isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING"
        children = one.orelse if unread else [*ast.iter_child_nodes(one)]  # type: ignore[attr-defined]
        todo += reversed(children)


@cache
def imports_of(module: str) -> list[Import]:
    """Return every import of a module, those inside of functions too."""
    return list(_iter_imports(module))


def _iter_imports(module: str) -> Iterator[Import]:
    for node in iter_nodes(ast.parse(path_of(module).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively"
            source = node.module or ""
            for alias in node.names:
                # `from package import module` names the module; `from module import name` too.
                yield Import(f"{source}.{alias.name}", node.lineno)


def is_module(dotted: str) -> bool:
    return path_of(dotted.removeprefix("harness.")).is_file()


def room_of(module: str) -> str:
    """Return the room of a module, both without the leading `harness.`."""
    first, _, rest = module.partition(".")
    if first in BASE:
        return "base"
    if first != "run":
        return first
    name = rest.partition(".")[0]
    if name == "launcher":
        return "run.launcher"
    return "run.measured" if name in MEASURED or not name else "run"


def iter_modules(module: str) -> Iterator[tuple[str, int]]:
    """Yield the modules of the harness that a module imports, without the leading `harness.`."""
    for imported, line in imports_of(module):
        if imported.split(".")[0] == "harness":
            inner = imported.removeprefix("harness").lstrip(".")
            yield inner if is_module(inner) else inner.rpartition(".")[0], line


def iter_rooms(module: str) -> Iterator[tuple[str, int]]:
    """Yield the rooms that a module imports from."""
    yield from ((room_of(target), line) for target, line in iter_modules(module))


# One test for all modules: a test for each would take a sixth of the names of all tests.
def test_every_module_imports_only_from_rooms_it_may_know() -> None:
    found = [
        f"{module}, line {line}: {to}"
        for module in MODULES
        if room_of(module) != "cli"
        for to, line in iter_rooms(module)
        if to not in {room_of(module), "base", *MAY_IMPORT[room_of(module)]}
        and (module, to) not in EXCEPTIONS
    ]
    assert found == []


@pytest.mark.parametrize(("module", "target"), EXCEPTIONS)
def test_an_exception_is_still_needed(module: str, target: str) -> None:
    known = {room for room, _ in iter_rooms(module)}
    assert target in known or any(
        begins_with(found.module, {target}) for found in imports_of(module)
    )


SYMBOLS_NEEDS = ("harness.symbols", "harness.model", "harness.sharing", "harness.errors")
SYMBOLS_OPTIONS = {"harness.config.SymbolOptions", "harness.config.Limits"}


def imported(modules: Iterable[str], prefix: str) -> set[tuple[str, str]]:
    """Return each of the modules with what it imports from `prefix`."""
    return {
        (module, found.module)
        for module in modules
        for found in imports_of(module)
        if begins_with(found.module, {prefix})
    }


def test_the_reader_of_symbols_could_be_lifted_out_as_it_is() -> None:
    own = imported((name for name in MODULES if room_of(name) == "symbols"), "harness")
    assert {
        (module, name)
        for module, name in own
        if not begins_with(name, set(SYMBOLS_NEEDS)) and name not in SYMBOLS_OPTIONS
    } == set()


def test_the_reader_of_symbols_is_known_by_its_face_only() -> None:
    face = {f"harness.symbols.{name}" for name in harness.symbols.__all__}
    used = imported((name for name in MODULES if room_of(name) != "symbols"), "harness.symbols")
    assert {(module, name) for module, name in used if name not in face} == set()


def test_every_room_stands_in_the_table() -> None:
    assert {room_of(module) for module in MODULES} - {"cli"} <= MAY_IMPORT.keys()


@pytest.mark.parametrize("module", ["run.launcher", "run.remover"])
def test_what_outlives_a_command_knows_the_standard_library_only(module: str) -> None:
    roots = {imported.module.split(".")[0] for imported in imports_of(module)}
    assert roots <= sys.stdlib_module_names


def begins_with(module: str, prefixes: set[str]) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)


def test_nothing_heavy_is_imported_where_memory_is_measured() -> None:
    measured = [
        name for name in MODULES if room_of(name) in MEASURED_ROOMS or name == "bench.planted"
    ]
    excepted = set(EXCEPTIONS)
    assert {
        (module, tool)
        for tool in HEAVY
        for module, _ in imported(measured, tool)
        if (module, tool) not in excepted
    } == set()


@pytest.mark.parametrize(("tool", "room"), OWNED.items())
def test_a_tool_is_known_to_one_room_only(tool: str, room: str) -> None:
    users = {
        module for module in MODULES for found in imports_of(module)
        if begins_with(found.module, {tool})
    }  # fmt: skip
    assert {room_of(user) for user in users} <= {room, "bench"}


LOAD = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
print("\\n".join(sys.modules))
"""


def heavy_after(*modules: str) -> set[str]:
    """Return the heavy modules of a fresh process that imported these."""
    command = [sys.executable, "-c", LOAD, *modules]
    loaded = set(ran(*command, check=True).stdout.split())
    assert loaded.issuperset(modules)
    return {module for module in loaded if begins_with(module, HEAVY)}


BUILT_IN = sorted(
    {
        point.module
        for point in (find(kind, name) for kind in ("pipeline", "probe") for name in names(kind))
        if point.module.startswith("harness.")
    }
)
WORKER = ("harness.run.start", "harness.run.worker", "harness.symbols")


def test_a_worker_with_every_built_in_loads_nothing_heavy() -> None:
    """memray would load rich."""
    assert heavy_after(*WORKER, *BUILT_IN) == set()


def _public_types(tree: ast.Module) -> Iterator[str]:
    """Yield the classes and type aliases that a module defines."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (t.id for t in targets if isinstance(t, ast.Name) and not t.id.isupper())


def test_no_two_modules_define_a_type_of_the_same_name() -> None:
    """Whoever reads `Report` need not ask which."""
    places: dict[str, list[str]] = {}
    for module in MODULES:
        for name in _public_types(ast.parse(path_of(module).read_bytes())):
            if name[0].isupper():
                places.setdefault(name, []).append(module)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
