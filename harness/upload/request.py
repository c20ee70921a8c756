"""One request, without retries: what was sent, what came back, what that means."""

from __future__ import annotations

import math
import ssl
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPException
from typing import IO
from urllib.parse import parse_qsl

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import LocationParseError, SSLError
from urllib3.util import Url, parse_url

from harness.config import MIB, UploadOptions
from harness.contracts import Body
from harness.errors import ConfigError, HarnessError, PayloadTooLarge
from harness.intake.answer import SHOWN_CHARACTERS, TEXT_S, in_one_line, is_accepted, read_text
from harness.upload.connection import Resolver, make_manager
from harness.upload.guard import Cancellation, Guard, ResponseTooLarge
from harness.upload.proxy import find_proxy
from harness.upload.retry import RequestFailed, is_retryable_status, longest_retry_after
from harness.upload.texts import Secret, can_be_host, check_secret, redact

_KEY_CHARACTERS_MIN = 6
_ASKED_BYTES_MAX = 16 * MIB


class Endpoint:
    """A URL to post to over one kept connection.

    Redirects are not followed, TLS certificates are verified, neither .netrc nor, unless asked,
    proxies of the environment are read. A request is over within `timeout_s`, whatever the server
    does, and no more than 64 KiB of answer are taken in, headers included.
    """

    def __init__(
        self,
        options: UploadOptions,
        secret_headers: Mapping[str, Secret],
        cancellation: Cancellation,
        *,
        headers: Mapping[str, str],
        trust_env: bool,
    ) -> None:
        for name, text in headers.items():
            check_secret(Secret(text), f"for {name}")
        self._headers = dict(headers)
        url = _parse(options.url)
        self._url, self._request = url, ""
        self._timeout_s = options.timeout_s
        self._secrets = dict(secret_headers)
        for name, secret in self._secrets.items():
            check_secret(secret, f"for {name}")
        self._guard = Guard(cancellation)
        proxy = find_proxy(url) if trust_env else None
        self._untold = (*self._secrets.values(), *(proxy.secrets if proxy else ()), *_told_in(url))
        self._resolver = Resolver(self._guard)
        self._manager = make_manager(url.scheme or "", self._resolver, proxy)

    def post(self, body: Body, left_s: float = math.inf) -> None:
        """Send `body` once, in no more than `left_s`.

        Raises:
            RequestFailed: No answer, or one that is not a 2xx.
            PayloadTooLarge: The answer was 413.
            Cancelled: Somebody asked to stop.
        """
        self._guard.start(min(self._timeout_s, left_s))
        content = {"Content-Type": body.content_type, "Content-Length": str(len(body))}
        with body.open() as reader:
            response = self._exchange("POST", self._url, content, reader)
        # Raised out here: frames of urllib3 and of `_exchange` hold headers, and headers hold keys.
        failure = self._judge(response)
        if failure is not None:
            raise failure

    def ask(self, url: str, left_s: float = math.inf) -> bytes:
        """Return what is found at another URL of the same server, in no more than `left_s`.

        Raises:
            RequestFailed: No answer, or one that is not a 2xx.
            Cancelled: Somebody asked to stop.
        """
        self._guard.start(min(self._timeout_s, left_s), _ASKED_BYTES_MAX)
        response = self._exchange("GET", parse_url(url))
        if isinstance(response, BaseHTTPResponse) and is_accepted(response.status):
            found = self._read_whole(response)
            if isinstance(found, bytes):
                return found
            response = found
        raise self._judge(response) or AssertionError

    @property
    def sent(self) -> bool:
        """Whether anything of the last request has left."""
        return self._guard.sent

    def close(self) -> None:
        """Close the connection, now.

        urllib3 waits until nobody holds a pool: an error holds its frames, and they hold the pool.
        """
        self._manager.clear()
        for connection in list(self._resolver.users):
            connection.close()

    def _exchange(
        self, method: str, url: Url, content: Mapping[str, str] = {}, body: IO[bytes] | None = None
    ) -> BaseHTTPResponse | HarnessError:
        """Return the answer without its text, or why there is none."""
        self._request = f"{method} {_shown(url)}"
        headers = {
            **self._headers,
            **{name: secret.reveal() for name, secret in self._secrets.items()},
            **content,
        }
        try:
            return self._manager.urlopen(
                method,
                url.url,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except HarnessError as error:
            return error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 - what a damaged answer raises has no common base
            return self._no_answer(error)

    def _no_answer(self, error: Exception) -> RequestFailed:
        cause = _root(error)
        retryable = not isinstance(cause, ssl.SSLCertVerificationError | ResponseTooLarge)
        kind = "TLS failed" if isinstance(error, SSLError) else "no answer"
        detail = self._quote(str(cause)) or type(cause).__name__
        message = f"{self._request}: {kind}: {detail}"
        return RequestFailed(message, retryable=retryable, unheard=self._guard.sent)

    def _read_whole(self, response: BaseHTTPResponse) -> bytes | HarnessError:
        try:
            with closing(response):
                return response.read()
        except HarnessError as error:
            return error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 - as above
            return self._no_answer(error)

    def _judge(self, response: BaseHTTPResponse | HarnessError) -> HarnessError | None:
        if isinstance(response, HarnessError):
            return response
        guard, status = self._guard, response.status
        guard.shorten(TEXT_S)
        text = self._quote(_read_text(response))
        early = guard.cut_short or guard.unacknowledged_bytes > 0
        if is_accepted(status) and not early:
            return None
        said = f": {text}" if text else ""
        message = f"{self._request}: HTTP {status}"
        if is_accepted(status):
            message += " before the whole request had arrived"
            return RequestFailed(message + said, status=status, retryable=True, unheard=True)
        message += said
        if status == 413:
            return PayloadTooLarge(message)
        return RequestFailed(
            message,
            status=status,
            retryable=is_retryable_status(status),
            retry_after_s=longest_retry_after(response.headers.getlist("Retry-After")),
        )

    def _quote(self, text: str) -> str:
        """Return what can be shown of a text that the server may have written."""
        return redact(in_one_line(text), self._untold)[:SHOWN_CHARACTERS]


def _shown(url: Url) -> str:
    """Return what can be shown of a URL: its query may be a key."""
    return f"{url.scheme}://{url.netloc}{url.path or '/'}"


def _read_text(response: BaseHTTPResponse) -> str:
    """Return what a server says beside the status; the verdict is the status alone.

    Only a friendly answer that was read to its end leaves a connection worth keeping: whoever
    refuses is likely to hang up, and the next attempt would be spent on finding that out.
    """
    connection = response.connection
    with closing(response):
        text = read_text(response.read)
    if connection is not None and (response.status >= 300 or response.length_remaining != 0):
        connection.close()
    response.release_conn()
    return text


def _root(error: BaseException) -> BaseException:
    """Follow the chain of wrapped errors to the first one that says something about the answer.

    What is not HTTP is quoted by `http.client` in full. The errors below it quote a piece, out of
    which a key could no longer be taken.
    """
    seen = {id(error)}
    while not isinstance(error, HTTPException):
        inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if inner is None or id(inner) in seen:
            break
        seen.add(id(inner))
        error = inner
    return error


def _told_in(url: Url) -> list[Secret]:
    """Return what the query of a URL says: it is never shown, and may be a key."""
    if not url.query:
        return []
    values = [value for _, value in parse_qsl(url.query) if len(value) >= _KEY_CHARACTERS_MIN]
    return [Secret(text) for text in (url.query, *values)]


def _parse(text: str) -> Url:
    try:
        url = parse_url(text)
    except LocationParseError:
        url = Url()
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError(
            "the upload URL is not usable", remedy="write it like http://127.0.0.1:8080/path"
        )
    if not can_be_host(url.host):
        raise ConfigError(
            f"the upload URL names {url.host!a}, which no host can be called",
            remedy="between the dots of a name there are 1 to 63 characters",
        )
    if url.auth:
        raise ConfigError(
            "the upload URL holds credentials",
            remedy="send them as a header read from the environment",
        )
    return url
