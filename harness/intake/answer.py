"""What a server answers, read so that the status is the verdict whatever becomes of the rest."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import (
    BadStatusLine,
    HTTPException,
    HTTPMessage,
    HTTPResponse,
    RemoteDisconnected,
    parse_headers,
)

from harness.config import KIB

STAGE = "HTTP"
ANSWER_BYTES_MAX = 64 * KIB
SHOWN_CHARACTERS = 200

# How long to wait, once the status is known, for what a server says beside it.
TEXT_S = 1.0
_STATUS_LINE = re.compile(rb"(HTTP/\d\.\d)[ \t]+([1-9]\d\d)(|[ \t].*?)\r?\n", re.DOTALL)


class Deadline:
    """Until when a request has to be over, however often a byte comes."""

    _end_s = 0.0

    def start(self, timeout_s: float) -> None:
        """Begin a request that has to be over in `timeout_s`."""
        self._end_s = time.monotonic() + timeout_s

    def shorten(self, left_s: float) -> None:
        """Let the request be over in `left_s`, if it is not to be over before."""
        self._end_s = min(self._end_s, time.monotonic() + left_s)

    def left_s(self) -> float:
        """Return how long the next wait may take.

        Raises:
            TimeoutError: The deadline has passed.
        """
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the request exceeded its total deadline")
        return left_s


class Answer(HTTPResponse):
    """A response that is never an interim one, and whose status counts whatever headers follow."""

    def begin(self) -> None:
        """Read the head of the answer."""
        try:
            super().begin()
        except HTTPException:
            if not isinstance(self.version, int):  # it is set behind the status
                raise
            self.headers = self.msg = HTTPMessage()
            self.chunked, self.length, self.will_close = False, 0, True
        else:
            lengths = self.headers.get_all("Content-Length", ())
            if len(lengths) > 1 or (self.will_close and is_accepted(self.status)):
                self._last_until_closed()

    def _read_status(self) -> tuple[str, int, str]:
        """Return version, status and reason; `http.client` takes `+2_02` for a status as well."""
        while True:
            line = self.fp.readline(ANSWER_BYTES_MAX)
            if not line:
                raise RemoteDisconnected("the connection was closed without an answer")
            found = _STATUS_LINE.fullmatch(line)
            if found is None:
                raise BadStatusLine(in_one_line(line.decode("latin-1")))
            status = int(found[2])
            if not 100 <= status <= 199 or status == 101:
                return found[1].decode(), status, found[3].decode("latin-1").strip()
            parse_headers(self.fp)

    def _last_until_closed(self) -> None:
        """Read on until the server closes, whatever length it names.

        One that closes with some of the request unread resets the connection: that is to be seen.
        """
        del self.headers["Content-Length"]
        self.length, self.will_close = None, True


def is_accepted(status: int) -> bool:
    """Tell whether a status says that the request was accepted."""
    return 200 <= status <= 299


def read_text(read: Callable[[int], bytes]) -> str:
    """Return what a server says beside the status; nothing, if that cannot be read or shown.

    The status has been read and is the verdict. What libraries raise over a damaged body has no
    common base: negative chunks are a ValueError, endless ones an OverflowError or a MemoryError.
    """
    data = b""
    with suppress(Exception):
        data = read(ANSWER_BYTES_MAX)
    return in_one_line(data.decode("utf-8", "replace"))


def in_one_line(text: str) -> str:
    """Return what of a text of others can be said in one line."""
    return "".join(filter(str.isprintable, text))
