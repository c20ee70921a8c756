"""What the numbers of a report mean, told by report.md and the page in the same words.

The texts are Markdown of two kinds of marks: `code` and **bold**.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from harness.stats.claim import CLAIM
from harness.units import format_bytes

LIMITS_MEAN = (
    "The smallest limit under which everything was still delivered, by real attempts; an interval "
    "where one limit both killed and delivered. Every attempt is in records.jsonl. What was "
    "charged at the peak without a limit is what interpreter and modules took when the pipeline "
    "began, the pipeline's live heap, what it had freed but not returned, and the kernel's own "
    "with page cache."
)
ALL_COUNTS = "Every row counts, and everything that was asked for was measured."
CASE_MEANS = "A case is one pipeline over one binary; each replicate is a fresh process."
_MARKS = {"code": re.compile(r"`(.+?)`"), "b": re.compile(r"\*\*(.+?)\*\*")}


def iter_meanings() -> Iterator[str]:
    """Yield what a reader has to know of peaks, replicates, sources, comparisons and overshoot."""
    yield (
        "**Peak heap** is what was allocated at the high-water mark above what the imports had "
        "taken, from after the imports until the intake accepted the last batch. It is not RSS, "
        "which counts pages and includes the interpreter."
    )
    yield "**A replicate** is one fresh process with one instrument in it."
    yield (
        "**The two sources** are two different numbers. `dwarf` runs extraction and pipeline "
        "together, as production does; `replay` feeds the pipeline alone from packages that were "
        "extracted before. They are never mixed, and neither are two definitions of peak heap."
    )
    yield (
        "**A comparison counts** only when both arms delivered the same scopes, all of which the "
        "receiver decoded for each of them, when every replicate of both arms succeeded, and when "
        "there are as many of one as of the other. Anything else is shown and proves nothing."
    )
    yield (
        "**The mean** over binaries is that of the ratios (geometric). The claim under test is at "
        f"least {CLAIM.reduction_pct:g} % less peak heap, and at most "
        f"{format_bytes(CLAIM.overshoot_bytes)} of overshoot."
    )
    yield (
        "**Overshoot** is the payload of a batch minus the threshold, over batches that were "
        "flushed because they reached it. A final batch is flushed early and says nothing about "
        "it."
    )


def as_html(text: str) -> Markup:
    """Return one of these texts as HTML."""
    shown = str(escape(text))
    for tag, mark in _MARKS.items():
        shown = mark.sub(rf"<{tag}>\1</{tag}>", shown)
    return Markup(shown)  # noqa: S704  escaped above
