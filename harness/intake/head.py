"""Whether the head of a request leaves no doubt about where its body ends."""

from __future__ import annotations

import re
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from email.message import Message

_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_NO_HEADER = FirstHeaderLineIsContinuationDefect | MissingHeaderBodySeparatorDefect


def fault_of(headers: Message) -> str:
    """Return why a head is refused; empty if it says everything once.

    The parser passes over lines that are no headers, and with them over lengths that another reader
    of the same connection would have heeded.
    """
    lengths = headers.get_all("Content-Length", ())
    if len(lengths) > 1 or (lengths and "Transfer-Encoding" in headers):
        return "the length of the body is given twice"
    if len(headers.get_all("Content-Type", ())) > 1:
        return "the type of the body is given twice"
    odd = any(isinstance(defect, _NO_HEADER) for defect in headers.defects)
    return "" if not odd and all(map(_NAME.fullmatch, headers)) else "a line is no header"
