"""The HTTP side of an upload: one body in, delivered or UploadError out."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Self

import msgspec
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
)

from harness.config import UploadOptions
from harness.contracts import Body
from harness.errors import Cancelled, ConfigError, PayloadTooLarge, UploadError
from harness.intake.ledger import LedgerView, ledger_url
from harness.upload.guard import Cancellation
from harness.upload.request import Endpoint
from harness.upload.retry import DEFAULT_POLICY, RequestFailed, RetryPolicy, is_retryable
from harness.upload.texts import Secret, check_text
from harness.wire import WireError, decode


class _Attempt:
    """The attempts at one batch, and whether one of them may have been accepted unheard."""

    def __init__(self, endpoint: Endpoint, policy: RetryPolicy) -> None:
        self._endpoint = endpoint
        self._wait_s_max = policy.wait_s_max
        self._end = time.monotonic() + policy.total_s
        self._unheard = False

    def post(self, body: Body) -> None:
        """Try once.

        A batch that may have arrived must not be split: its halves would not be the same batches.
        """
        try:
            self._endpoint.post(body, self._end - time.monotonic())
        except RequestFailed as error:
            self._unheard = self._unheard or error.unheard
            error.unheard = self._unheard
            asked_s = error.retry_after_s or 0.0
            if asked_s > self._wait_s_max:  # earlier is not what the server wants
                error.retryable = False
                error.message += f", and asks to wait {asked_s:.0f} s"
                error.remedy = "try again after that"
            raise
        except Cancelled as error:
            error.unheard = self._unheard or self._endpoint.sent
            raise
        except PayloadTooLarge as error:
            if not self._unheard:
                raise
            message = f"{error}, after an attempt without answer that may have been accepted"
            raise RequestFailed(message, status=413, retryable=False, unheard=True) from None


class NoLedger(UploadError):
    """What was received cannot be read back: the receiver keeps no ledger of it."""


_TEXTS = ("service", "version", "language", "runtime_id", "upload_id")


class Uploader:
    """Posts batches to one URL, with retries; close it to give its connection back.

    A batch is sent again as it was, batch number and all: whoever receives it twice, because an
    answer got lost, can tell.

    Args:
        options: Where batches go and in whose name. An empty upload id is replaced by a new one.
        policy: When to give up.
        secret_headers: Headers such as DD-API-KEY; their values never show in any text of ours.
        headers: Further headers, such as DD-EVP-ORIGIN.
        on_retry: Told of the number of an attempt, why it failed, and the seconds before the next.
        cancellation: Stops the upload between requests and during one.
        trust_env: Whether the proxy variables of the environment are followed. Proxies are spoken
            to over plain HTTP, for https too; credentials in a proxy's URL are sent to it.

    Raises:
        ConfigError: The URL, a header, a name or the proxy cannot be used.
    """

    def __init__(  # noqa: PLR0913 - each is one thing a caller may set
        self,
        options: UploadOptions,
        policy: RetryPolicy = DEFAULT_POLICY,
        *,
        secret_headers: Mapping[str, Secret] | None = None,
        headers: Mapping[str, str] | None = None,
        on_retry: Callable[[int, BaseException, float], None] | None = None,
        cancellation: Cancellation | None = None,
        trust_env: bool = False,
    ) -> None:
        if not 0 < options.timeout_s < math.inf:
            raise ConfigError("the upload timeout must be a positive number of seconds")
        for name in _TEXTS:
            check_text(name.replace("_", " "), getattr(options, name))
        upload_id = options.upload_id or str(uuid.uuid4())
        self.options = msgspec.structs.replace(options, upload_id=upload_id)
        self._policy = policy
        self._cancellation = cancellation or Cancellation()
        self._endpoint = Endpoint(
            options,
            secret_headers or {},
            self._cancellation,
            headers=headers or {},
            trust_env=trust_env,
        )
        self._on_retry = on_retry

    def post(self, body: Body) -> None:
        """Deliver `body`.

        Raises:
            UploadError: It was not accepted, for good or for as long as the policy tries.
            PayloadTooLarge: The server refuses its size.
            Cancelled: Somebody asked to stop.
        """
        self._retrying()(_Attempt(self._endpoint, self._policy).post, body)

    def read_ledger(self) -> LedgerView:
        """Return what the receiver says it has of this upload.

        Raises:
            NoLedger: It keeps none, or does not know this upload.
            UploadError: It does not answer.
            Cancelled: Somebody asked to stop.
        """
        url = ledger_url(self.options.url, self.options.upload_id)
        if url is None:
            raise NoLedger("this receiver keeps no ledger that could be read back")
        try:
            answer = self._retrying()(self._endpoint.ask, url)
            return decode(answer, LedgerView)
        except RequestFailed as error:
            if error.status != 404:
                raise
            raise NoLedger("this receiver has no ledger of the upload") from None
        except WireError:
            raise NoLedger("this receiver's ledger is none that can be read") from None

    def _retrying(self) -> Retrying:
        policy = self._policy
        return Retrying(
            retry=retry_if_exception(is_retryable),
            wait=policy.wait_s,
            stop=stop_after_attempt(policy.attempts) | stop_before_delay(policy.total_s),
            sleep=self._cancellation.sleep,
            before_sleep=self._tell,
            reraise=True,
        )

    def _tell(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if self._on_retry is not None and error is not None:
            self._on_retry(state.attempt_number, error, state.upcoming_sleep)

    def close(self) -> None:
        """Close the connection."""
        self._endpoint.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
