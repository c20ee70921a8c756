"""What `harness --help` prints. It is made without importing a verb: even typer is too slow."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from shutil import get_terminal_size

# Each is a function of that name in a module of that name, or a module with a group of verbs.
VERBS = ("run", "ab", "report", "compare", "gate", "history", "status", "merge", "export",
         "schema", "scopes", "sweep", "scaling", "limit", "doctor", "plugins", "upload", "intake",
         "baseline", "corpus")  # fmt: skip

_ABOUT = (
    "Measure how much memory an upload pipeline holds at its peak, where it holds it, and whether "
    "a change made it worse."
)
_OPTIONS = {
    "--version": "Print the version and exit.",
    "-h, --help": "Show this message and exit.",
    "--install-completion": "Have the shell complete the command `harness`.",
    "--show-completion": "Print what --install-completion would add.",
}
_CODES = (
    "Exit codes: 0 all good, 2 usage or unreadable input, 3 a gate failed, 4 invalid or "
    "inconclusive measurement or incomplete upload, 130 interrupted."
)


def overview() -> str:
    """Return the help of the command as a whole, as wide as the terminal."""
    program = "python -m harness" if Path(sys.argv[0]).name == "__main__.py" else "harness"
    parts = [
        f"Usage: {program} [OPTIONS] COMMAND [ARGS]...",
        _wrapped(_ABOUT, "  "),
        "\n".join(["Options:", *_listed(_OPTIONS)]),
        "\n".join(["Commands:", *_listed({name: summary(name) for name in VERBS})]),
        _wrapped(_CODES, "  "),
    ]
    return "\n\n".join(parts)


def summary(name: str) -> str:
    """Return the first sentence of a verb's documentation, without importing its module."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    verb = source.find(f"\ndef {name}(")
    text = re.search(r'"""(.+?)(?:\n\n|""")', source[max(verb, 0) :], re.DOTALL)
    return " ".join(text[1].split()) if text else ""


def _listed(about: dict[str, str]) -> list[str]:
    width = max(map(len, about)) + 2
    return [_wrapped(text, f"  {name:{width}}", " " * (width + 2)) for name, text in about.items()]


def _wrapped(text: str, first: str, rest: str | None = None) -> str:
    width = min(get_terminal_size().columns, 100)
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=first if rest is None else rest
    )
