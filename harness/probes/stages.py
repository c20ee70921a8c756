"""Say which stage of an upload a stack of frames belongs to.

The innermost frame that a rule knows decides. Memory belongs to the stage that allocated it,
whoever keeps it alive: what a pipeline retains shows as the same stage being larger in one arm.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterable

EXTRACTION, SCOPE_TREE, JSON, GZIP = "extraction", "scope tree", "JSON", "gzip"
MULTIPART, HTTP, OTHER = "multipart", "HTTP", "other"
STAGES = (EXTRACTION, SCOPE_TREE, JSON, GZIP, MULTIPART, HTTP, OTHER)

StackFrame = tuple[str, str, int]  # function, file, line: as memray gives them, innermost first

# What these modules make becomes part of scopes: ranges, symbols, fields, the scopes themselves.
_SCOPE_BUILDERS = (
    r"/harness/symbols/lines\.py$"
    r"|/harness/symbols/(go|native)/(functions|types|inlined|statements|availability)\.py$"
)

# Path of the file, text of the source line, stage. The first rule that fits a frame decides.
# A pipeline's own module does several things, so its lines are told apart by what they say; the
# same rules serve pipelines that are not ours.
_RULES = tuple(
    (re.compile(path), re.compile(text, re.IGNORECASE), stage)
    for path, text, stage in (
        (r"/harness/run/replay\.py$|/harness/(model|sharing)\.py$", r"", SCOPE_TREE),
        (_SCOPE_BUILDERS, r"", SCOPE_TREE),
        (r"/harness/symbols/go/index\.py$", r"_decode_scope", SCOPE_TREE),
        (r"/harness/symbols/|/elftools/", r"", EXTRACTION),
        (r"/harness/pipelines/(encoders|envelope)\.py$|/json/\w+\.py$", r"", JSON),
        (r"/harness/pipelines/(compressors|gzip_stream|sinks)\.py$", r"", GZIP),
        (r"/gzip\.py$|/zlib_ng/|/isal/", r"", GZIP),
        (r"/harness/pipelines/multipart\.py$", r"", MULTIPART),
        (r"/harness/upload/|/urllib3/|/http/\w+\.py$|/socket\.py$|/tenacity/", r"", HTTP),
        (r"/harness/run/|/importlib|/threading\.py$", r"", OTHER),
        (r"", r"compress|gzip|zlib|deflate", GZIP),
        (r"", r"multipart|boundary|\bbody\b", MULTIPART),
        (r"", r"json|dumps|\bencode", JSON),
        (r"", r"\.post\(|request|\bsend", HTTP),
        (r"", r"\b_?scopes?\b|\btree|package|\b_?slots\b", SCOPE_TREE),
    )
)
_LONG_PREFIX = re.compile(r"^.*?/(?=harness/)|^.*/(?:site-packages|lib/python3\.\d+)/")


def stage_of(stack: Iterable[StackFrame]) -> str:
    """Return the stage of the innermost frame that a rule knows, or `other`."""
    for _, file, line in stack:
        text = linecache.getline(file, line)
        for path, words, stage in _RULES:
            if path.search(file) and words.search(text):
                return stage
    return OTHER


def location_of(stack: Iterable[StackFrame]) -> str:
    """Return the innermost frame as `file:line function`, the path from its package on."""
    for function, file, line in stack:
        return f"{_LONG_PREFIX.sub('', file)}:{line} {function}"
    return "no Python frame"
