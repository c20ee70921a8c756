"""What to offer to somebody who wrote a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

STAGE = "other"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the remedy for an unknown name: one that is nearly the same, or all of them."""
    known = list(known)
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
