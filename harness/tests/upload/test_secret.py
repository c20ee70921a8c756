"""A key reaches the server, and nobody else whatever the server does with it."""

from __future__ import annotations

import html
import json
import threading
import traceback
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

from harness.config import UploadOptions
from harness.errors import Cancelled, ConfigError, UploadError
from harness.intake.server import IntakeServer
from harness.tests.intake.bodies import make_body, misbehave
from harness.tests.intake.echo import Answer, echo, echo_server
from harness.tests.upload.senders import ONCE, make_uploader
from harness.upload.client import Uploader
from harness.upload.guard import Cancellation
from harness.upload.texts import Secret, read_secret, redact

KEY = "s3cr3t-v\\alue"
ANSWERS: dict[str, Answer] = {
    "body": echo,
    "another case": lambda head: echo(head.upper()),
    "no status line": lambda _: b"DD-API-KEY: %s\r\n\r\n" % KEY.encode(),
    "far out": lambda _: b"x" * 195 + KEY.encode() + b"\r\n\r\n",
}


def iter_frame_texts(error: BaseException) -> Iterator[str]:
    """Yield what a reporter shows that prints the variables of a traceback."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals["__name__"].split(".")[0] in ("harness", "urllib3", "http"):
            yield from map(repr, frame.f_locals.values())


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_key_is_sent_but_never_shown(answer: Answer) -> None:
    with echo_server(answer) as (url, seen):
        secrets = {"DD-API-KEY": Secret(KEY)}
        uploader = Uploader(UploadOptions(url=url), ONCE, secret_headers=secrets)
        with uploader, pytest.raises(UploadError) as caught:
            uploader.post(make_body())
    assert seen[0]["DD-API-KEY"] == KEY
    assert caught.value.__cause__ is caught.value.__context__ is None
    texts = [str(caught.value), repr(caught.value), *iter_frame_texts(caught.value)]
    assert [text for text in texts if "s3cr3t" in text.lower()] == []


def test_no_spelling_of_a_key_is_shown() -> None:
    value = 'a/"b" c\\d&e'
    spellings = [value, json.dumps(value), quote(value), quote(value, safe=""), quote_plus(value)]
    spellings += [json.dumps(value).replace("/", "\\/"), html.escape(value), repr(value)]
    for text in spellings:
        assert redact(f"<{text}>", [Secret(value)]).strip("<>'\"") == "***"


def test_the_query_of_a_url_is_not_shown() -> None:
    with echo_server() as (url, _):
        uploader = Uploader(UploadOptions(url=f"{url}?key=s3cr3tkey"))
        with uploader, pytest.raises(UploadError) as caught:
            uploader.post(make_body())
    assert "s3cr3tkey" not in str(caught.value)


def test_a_cancelled_request_leaves_no_key_in_its_traceback(intake: IntakeServer) -> None:
    misbehave(intake, "silence")
    cancellation = Cancellation()
    timer = threading.Timer(0.2, cancellation.cancel)
    timer.start()
    secrets = {"DD-API-KEY": Secret("s3cr3t")}
    uploader = make_uploader(intake, ONCE, secret_headers=secrets, cancellation=cancellation)
    with uploader, pytest.raises(Cancelled) as caught:
        uploader.post(make_body())
    timer.join()
    assert [text for text in iter_frame_texts(caught.value) if "s3cr3t" in text] == []


def test_a_secret_shows_itself_only_when_asked() -> None:
    key = Secret("s3cr3t")
    assert key.reveal() == "s3cr3t"
    assert "s3cr3t" not in f"{key} {key!s} {key!r} {[key]} %s" % key


@pytest.mark.parametrize("value", ["", "a\nb", "é"], ids=["unset", "newline", "not ascii"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", value)
    with pytest.raises(ConfigError) as caught:
        read_secret("TEST_KEY")
    assert not value or value not in str(caught.value)
    with pytest.raises(ConfigError, match="DD-API-KEY"):
        Uploader(UploadOptions(url="http://x/"), secret_headers={"DD-API-KEY": Secret(value)})


def test_a_key_given_in_place_of_its_variable_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match="not the key itself") as caught:
        read_secret("s3cr3t")
    assert "s3cr3t" not in str(caught.value)
