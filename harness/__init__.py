"""Measure how much memory an upload pipeline holds at its peak, where, and since when.

From Python and in notebooks: `ab` and `measure` callables, `run` over a corpus, `load` a run; each
gives a `Result`. What fails is a `HarnessError`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of typing, whose import is no time to be interrupted in
if TYPE_CHECKING:
    from typing import Any

    from harness.api import Result, ab, load, measure, run
    from harness.errors import HarnessError

__version__ = "0.1.0"

__all__ = ["HarnessError", "Result", "ab", "load", "measure", "run"]

if not TYPE_CHECKING:  # which would take it for a promise of any name

    def __getattr__(name: str) -> Any:
        """Import what is offered when it is asked for: a measured process must not pay for it."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from harness import api, errors  # noqa: PLC0415 - that is the point

        return getattr(errors if name == "HarnessError" else api, name)
