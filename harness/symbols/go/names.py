"""Go symbol names: package and local part, receivers, closures and generics.

A symbol name is an import path, a dot and a local name. The compiler escapes the path, puts type
arguments in brackets, writes pointer receivers as `(*T)` and appends a marker for each closure.
Nothing in the name says whether `pkg.A.B` is method B of A or a closure of B inlined into A; the
rules for choosing are those of section 2.4 of the SymDB notes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

STAGE = "extraction"

_PATH = re.compile(r"[A-Za-z0-9\-._~+/%]*")
_COMPILER = ("go:", "type:", "type..")
_COMPILER_INFIXES = ("..inittask", "..stmp_", "..dict.")
_C_INFIXES = (".isra.", ".part.", ".constprop.")
_GLOBAL_CLOSURE = "glob.."  # what older compilers write; a package named glob has one dot
_INIT = re.compile(r"init(\.\d+)?\Z")

# One piece of a local name whose brackets are already canonical. A closure marker is also a legal
# identifier; the marker wins, so it stands before the plain name.
_PIECE = re.compile(
    r"\(\*(?P<pointer>[^)]*)\)\.(?P<method>[^.\-\[]+(?:\[\.\.\.\])?)"
    r"|(?P<closure>-range\d*|(?:(?:func|gowrap|deferwrap)\d+|gowrap|deferwrap|\d+)(?=[.\-]|\Z))"
    r"|(?P<wrapper>-fm(?=\.|\Z))"
    r"|(?P<name>[^.\-\[]+(?:\[\.\.\.\])?)"
)


class Rejection(Enum):
    """Why a symbol name is not a Go function that can be shown to anyone."""

    COMPILER = "compiler-generated name"
    BARE = "name without a package"
    GLOBAL_CLOSURE = "closure of a package-level variable"
    MAP_INIT = "map initialiser"
    C_FUNCTION = "C function"


class MalformedNameError(ValueError):
    """An escape sequence in an import path is not `%` and two hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A parsed function name.

    `package` is unescaped. `receiver` is the bare type name, or empty for functions and for
    everything that sits inside a method (closures, inlined calls). `qualified` keeps the escapes.
    """

    package: str
    receiver: str
    name: str
    qualified: str


def split_package(symbol: str) -> tuple[str, str]:
    """Split a symbol at the first dot after the last slash of its path; no package gives "".

    Only the part before the first rune that no escaped import path contains is looked at, so a
    slash or dot inside type arguments never counts.
    """
    legal = _path_end(symbol)
    dot = symbol.find(".", symbol.rfind("/", 0, legal) + 1, legal)
    return ("", symbol) if dot < 0 else (symbol[:dot], symbol[dot + 1 :])


def _path_end(symbol: str) -> int:
    found = _PATH.match(symbol)
    return found.end() if found else 0


def unescape_path(path: str) -> str:
    """Return an import path with its `%xx` escapes undone.

    Raises:
        MalformedNameError: A `%` is not followed by two hexadecimal digits.
    """
    if "%" not in path:
        return path
    octets = path.encode("utf-8", "surrogateescape")
    pieces = octets.split(b"%")
    for index in range(1, len(pieces)):
        pieces[index] = _unescaped(pieces[index], path)
    return b"".join(pieces).decode("utf-8", "surrogateescape")


def _unescaped(piece: bytes, path: str) -> bytes:
    digits = piece[:2]
    if len(digits) < 2 or not digits.isalnum():
        raise MalformedNameError(f"{path!r} holds a malformed escape")
    try:
        return bytes([int(digits, 16)]) + piece[2:]
    except ValueError:
        raise MalformedNameError(f"{path!r} holds a malformed escape") from None


def canonical_generics(symbol: str) -> str:
    """Replace every bracket group, nested ones with it, by `[...]`; an unmatched one stays."""
    if "[" not in symbol:
        return symbol
    pieces: list[str] = []
    position = 0
    while (start := symbol.find("[", position)) >= 0:
        end = matching_bracket(symbol, start)
        if end < 0:
            break
        pieces += (symbol[position:start], "[...]")
        position = end + 1
    pieces.append(symbol[position:])
    return "".join(pieces)


def matching_bracket(symbol: str, start: int) -> int:
    """Return the position of the bracket that closes the one at `start`, or -1."""
    depth = 0
    for position in range(start, len(symbol)):
        if symbol[position] == "[":
            depth += 1
        elif symbol[position] == "]":
            depth -= 1
            if depth == 0:
                return position
    return -1


def parse_function_name(symbol: str) -> FunctionName | Rejection:
    """Parse the name of a function, or say why it is not one."""
    rejection = _reject_symbol(symbol)
    if rejection is not None:
        return rejection
    escaped, local = split_package(symbol)
    if not escaped:
        return Rejection.BARE
    if local.startswith("map.init."):
        return Rejection.MAP_INIT
    if local.startswith(_GLOBAL_CLOSURE):
        return Rejection.GLOBAL_CLOSURE
    try:
        package = unescape_path(escaped)
    except MalformedNameError:
        package = escaped
    receiver, name = _receiver_and_name(canonical_generics(local))
    return FunctionName(package, receiver, name, canonical_generics(symbol))


def _reject_symbol(symbol: str) -> Rejection | None:
    if symbol.startswith(_COMPILER):
        return Rejection.COMPILER
    if symbol.startswith(_GLOBAL_CLOSURE):
        return Rejection.GLOBAL_CLOSURE
    if ".." in symbol and any(infix in symbol for infix in _COMPILER_INFIXES):
        return Rejection.COMPILER
    if "/" not in symbol:
        if "." not in symbol:
            return Rejection.BARE
        if any(infix in symbol for infix in _C_INFIXES):
            return Rejection.C_FUNCTION
    return None


def _receiver_and_name(local: str) -> tuple[str, str]:
    """Return receiver and short name of a canonical local name."""
    if "." not in local or _INIT.match(local):
        return "", local
    chain: list[re.Match[str]] = []
    for piece in _PIECE.finditer(local):
        if piece.lastgroup == "closure":
            return "", _without_pointer_syntax(local)
        if piece.lastgroup != "wrapper":
            chain.append(piece)
    match chain:
        case [only] if only["pointer"] is not None:
            return only["pointer"], only["method"]
        case [first, second] if first["pointer"] is None and second["pointer"] is None:
            return first["name"], second["name"]
    return "", _without_pointer_syntax(local)


def _without_pointer_syntax(local: str) -> str:
    """Turn a leading `(*T).M` into `T.M`; pointers further in belong to inlined calls and stay."""
    if not local.startswith("(*"):
        return local
    receiver, closing, rest = local[2:].partition(").")
    return f"{receiver}.{rest}" if closing else local


def unescape_type_name(name: str) -> str:
    """Return a type name with its package part unescaped; stars and brackets stay.

    The package part ends where the compiler's own rule says, prefixes included: a path behind a
    star whose host has a dot in it keeps its escapes, as in the reference output.

    Raises:
        MalformedNameError: The package part holds a malformed escape.
    """
    if "%" not in name:
        return name
    dot = name.find(".", max(name.rfind("/", 0, _path_end(name)), 0))
    return name if dot < 0 else unescape_path(name[:dot]) + name[dot:]


def canonical_type_name(name: str) -> str:
    """Collapse the type arguments of a name that mentions a shape: shapes are never spelled out."""
    return canonical_generics(name) if "[go.shape." in name else name
