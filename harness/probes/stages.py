"""Say which stage of an upload a stack of frames belongs to.

A module says so itself, by a constant on its top level: `STAGE = "gzip"`, or, if it does several
things, a table from the names of its functions to stages, in which `""` stands for the rest. The
innermost frame of which the stage is known decides; a file that declares nothing is passed over,
for what is allocated in its functions serves whoever called them.

Memory belongs to the stage that allocated it, whoever keeps it alive: what a pipeline retains shows
as the same stage being larger in one arm. `other` is what serves no stage: the worker, the probe, a
pipeline's own bookkeeping, and all that was allocated without a frame of Python.

A capture is read where neither pipelines nor plugins are imported. So declarations are read from
the source; modules that are not written for us have theirs in a table here.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from harness.records import OTHER

StackFrame = tuple[str, str, int]  # function, file, line: as memray gives them, innermost first

_FOREIGN = {
    "elftools": "extraction",
    "json": "JSON",
    **dict.fromkeys(("gzip", "isal", "zlib_ng"), "gzip"),
    **dict.fromkeys(("http", "socket", "tenacity", "urllib3"), "HTTP"),
    **dict.fromkeys(("importlib", "threading"), OTHER),
}
_CODE_CHARS = 80
_INSTRUMENTS = f"{Path(__file__).parent}/"
SMALLER = "smaller ones"
"""The location of what is not worth a line of its own."""
_LINE = re.compile(r":\d+ ")
_OF_A_NOTEBOOK = "<dynamic-code>"  # what memray calls the file of code that has none
_INSTALLED = re.compile(r".*/(?:(?:site|dist)-packages|lib/python3\.\d+)/(\w+)")
_DECLARATION = re.compile(rb"^STAGE\b", re.MULTILINE)
_LONG_PREFIX = re.compile(r"^.*?/(?=harness/)|^.*/(?:site-packages|lib/python3\.\d+)/")


def stage_of(stack: Sequence[StackFrame], roots: Sequence[str] = ()) -> str:
    """Return the stage of the innermost frame of which one is known, or `other`.

    Args:
        stack: Innermost frame first.
        roots: Where the code lies that was called, if it is no part of an upload: directories, and
            names of installed packages. Where none of its frames has a stage, it is the innermost
            one, as `module.function`.
    """
    for function, file, _ in stack:
        if stage := _stage(function, file):
            return stage
        if own := _below(roots, file):
            return f"{own.removesuffix('.py').replace('/', '.')}.{function}"
    return OTHER


def _stage(function: str, file: str) -> str:
    stages = _stages_in(file)
    # Where functions differ, a comprehension or a lambda belongs to the one that it serves.
    nested = function.startswith("<") and function != "<module>" and len(stages) > 1
    return stages.get(function, "" if nested else stages.get("", ""))


@cache
def _stages_in(file: str) -> dict[str, str]:
    """Return what a source file declares, by function; `""` is the stage of all the others."""
    installed = _INSTALLED.match(file)
    if installed and installed[1] in _FOREIGN:
        return {"": _FOREIGN[installed[1]]}
    try:
        source = Path(file).read_bytes()
        body = ast.parse(source).body if _DECLARATION.search(source) else []
        return next((found for node in body if (found := _declared(node))), {})
    except (OSError, SyntaxError, ValueError):  # no file of Python, or none that can be read
        return {}


def _declared(node: ast.stmt) -> dict[str, str]:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return {}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if not any(isinstance(target, ast.Name) and target.id == "STAGE" for target in targets):
        return {}
    stages = ast.literal_eval(node.value)
    return stages if isinstance(stages, dict) else {"": stages}


def location_of(stack: Sequence[StackFrame], roots: Sequence[str] = ()) -> tuple[str, str]:
    """Return a frame as `file:line function`, its path from its package or root on, and its code.

    What an instrument holds is no line of whoever is called. With `roots` it is the innermost frame
    below one of them, for what a library holds is held for whoever called it; without, or where
    there is none, the innermost of all.
    """
    if not stack:
        return "no Python frame", ""
    own = (frame for frame in stack if _below(roots, frame[1]))
    function, file, line = next(own, stack[0])
    if roots and file.startswith(_INSTRUMENTS):
        return SMALLER, ""
    shown = _below(roots, file) or _LONG_PREFIX.sub("", file)
    return f"{shown}:{line} {function}", linecache.getline(file, line).strip()[:_CODE_CHARS]


def label_of(frame: StackFrame, roots: Sequence[str] = ()) -> str:
    """Return a frame as it is called in two versions alike: by its location, or by its code.

    Of code below `roots`, which may have been moved, the line's text stands in place of its number.
    """
    location, code = location_of([frame], roots)
    return (
        _LINE.sub(" ", location, 1) + f": {code}" if code and _below(roots, frame[1]) else location
    )


def _below(roots: Sequence[str], file: str) -> str:
    """Return a file's path from the root on that it lies below; empty if it is none of them."""
    if roots and file == _OF_A_NOTEBOOK:
        return file
    installed = _INSTALLED.match(file)
    if installed:
        return _LONG_PREFIX.sub("", file) if installed[1] in roots else ""
    found = (file[len(root) + 1 :] for root in roots if file.startswith(root + "/"))
    return next(found, "")
