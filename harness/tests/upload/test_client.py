"""The uploader against an intake that misbehaves, over real sockets."""

from __future__ import annotations

import gc
import os
import socket
import threading
from pathlib import Path

import pytest

from harness.config import PipelineOptions, UploadOptions
from harness.errors import Cancelled, ConfigError, PayloadTooLarge, PipelineError, UploadError
from harness.intake.client import IntakeClient
from harness.intake.faults import FOREVER, Fault, parse_fault
from harness.intake.server import IntakeServer, serve
from harness.pipelines import streaming
from harness.pipelines.multipart import SinkBody
from harness.pipelines.sinks import DiskSink
from harness.tests.intake.bodies import ledger_of, make_body, misbehave
from harness.tests.intake.echo import echo_server
from harness.tests.pipelines.parcels import iter_packages, make_parcel
from harness.tests.upload.senders import HASTY, ONCE, held, make_uploader
from harness.upload.client import Uploader
from harness.upload.guard import Cancellation, GuardedSocket
from harness.upload.retry import RequestFailed, RetryPolicy


def test_batches_arrive_over_one_kept_connection(intake: IntakeServer) -> None:
    ports = set()
    with make_uploader(intake) as uploader:
        for number in range(1, 6):
            uploader.post(make_body(number, final=number == 5))
            (connection,) = uploader._endpoint._resolver.users
            ports.add(connection.sock.getsockname())
    view = ledger_of(intake)
    assert (view.accepted, view.duplicates, view.errors, view.final) == (5, 0, [], True)
    assert len(ports) == 1


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("status", status) for status in (408, 429, 500, 502, 503, 504, 599)],
        ("early-status", 503),
        ("reset", 0),
        ("early-reset", 0),
        ("garbage", 0),
        ("huge", 0),
    ],
)
@pytest.mark.parametrize("padding", [0, 500_000], ids=["small", "large"])
def test_a_passing_failure_is_tried_again(
    intake: IntakeServer, kind: str, value: int, padding: int
) -> None:
    misbehave(intake, kind, value, times=2)
    with make_uploader(intake) as uploader:
        uploader.post(make_body(padding=padding))
    view = ledger_of(intake)
    assert (view.accepted, view.duplicates, view.errors) == (1, 0, [])


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 422, 501])
def test_a_lasting_refusal_is_not_tried_again(intake: IntakeServer, status: int) -> None:
    """A redirect is among them: following it would carry the key to another host."""
    misbehave(intake, "status", status, Location=f"{intake.url}/count/symdb/v1/input")
    with make_uploader(intake) as uploader, pytest.raises(UploadError, match=f"HTTP {status}"):
        uploader.post(make_body())
    assert intake.ledger.view("upload-1") is None


def test_attempts_are_limited(intake: IntakeServer) -> None:
    misbehave(intake, "status", 503, times=HASTY.attempts)
    with make_uploader(intake) as uploader:
        with pytest.raises(RequestFailed, match="HTTP 503"):
            uploader.post(make_body())
        uploader.post(make_body())
    assert ledger_of(intake).accepted == 1


def test_a_wait_beyond_the_cap_is_a_failure_that_names_it(intake: IntakeServer) -> None:
    misbehave(intake, "status", 429, Retry_After="3600")
    with make_uploader(intake) as uploader, pytest.raises(RequestFailed, match="3600 s"):
        uploader.post(make_body())
    assert intake.ledger.view("upload-1") is None


def test_further_headers_are_sent_and_every_retry_is_told() -> None:
    told: list[tuple[int, str]] = []

    def tell(attempt: int, error: BaseException, _wait_s: float) -> None:
        told.append((attempt, str(error)))

    busy = b"HTTP/1.1 503 x\r\nContent-Length: 0\r\nRetry-After: 0\r\nRetry-After: 0\r\n\r\n"
    with echo_server(lambda _: busy) as (url, seen):
        options, headers = UploadOptions(url=url), {"DD-EVP-ORIGIN": "harness"}
        uploader = Uploader(options, HASTY, headers=headers, on_retry=tell)
        with uploader, pytest.raises(RequestFailed):
            uploader.post(make_body())
    assert [headers["DD-EVP-ORIGIN"] for headers in seen] == ["harness"] * 3
    assert [attempt for attempt, _ in told] == [1, 2]
    assert "HTTP 503" in told[0][1]


def test_a_payload_too_large_is_an_error_of_its_own_and_not_tried_again(
    intake: IntakeServer,
) -> None:
    misbehave(intake, "too-large", 1000, times=1)
    with make_uploader(intake) as uploader:
        with pytest.raises(PayloadTooLarge):
            uploader.post(make_body(padding=2000))
        uploader.post(make_body())


def test_a_batch_that_may_have_arrived_is_not_split(intake: IntakeServer) -> None:
    kinds = ("accept-reset", "status:503", "too-large")
    intake.faults.replace([parse_fault(kind) for kind in kinds])
    with make_uploader(intake) as uploader, pytest.raises(UploadError, match="may have") as caught:
        uploader.post(make_body())
    assert not isinstance(caught.value, PayloadTooLarge)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_of_which_nothing_was_sent_cannot_have_arrived(scheme: str) -> None:
    uploader = Uploader(UploadOptions(url=f"{scheme}://127.0.0.1:1/"), HASTY)
    with uploader, pytest.raises(RequestFailed, match="refused") as caught:
        uploader.post(make_body())
    found = caught.value
    assert (found.unheard, found.retryable, found.status) == (False, True, 0)


def test_a_batch_that_was_refused_a_connection_before_can_still_be_split() -> None:
    """Many attempts find nobody; the first that is heard is too large."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://127.0.0.1:{port}/verify/symdb/v1/input"
    lasting = RetryPolicy(attempts=1000, base_s=0.05, wait_s_max=0.05)
    failures: list[BaseException] = []

    def post() -> None:
        try:
            with Uploader(UploadOptions(url=url, upload_id="u"), lasting) as uploader:
                uploader.post(make_body(padding=2000))
        except UploadError as error:
            failures.append(error)

    sender = threading.Thread(target=post)
    sender.start()
    sender.join(0.3)
    with serve(port=port, faults=[Fault(kind="too-large", value=1000, times=FOREVER)]):
        sender.join(20)
    assert [type(failure) for failure in failures] == [PayloadTooLarge]


def test_the_last_attempt_ends_with_the_total_time(intake: IntakeServer) -> None:
    """Its own timeout is an hour; the test ends because the total is less."""
    misbehave(intake, "silence", times=FOREVER)
    policy = RetryPolicy(attempts=3, base_s=0.001, total_s=0.5)
    uploader = make_uploader(intake, policy, timeout_s=3600.0)
    with uploader, pytest.raises(RequestFailed, match="deadline") as caught:
        uploader.post(make_body())
    assert caught.value.unheard


@pytest.mark.parametrize("kind", ["accept-reset", "accept-silence"])
def test_a_lost_answer_leads_to_a_duplicate_with_the_same_number(
    intake: IntakeServer, kind: str
) -> None:
    misbehave(intake, kind)
    with make_uploader(intake, timeout_s=1.0) as uploader:
        uploader.post(make_body())
    view = ledger_of(intake)
    assert (view.accepted, view.duplicates) == (1, 1)
    assert [entry.batch_num for entry in view.batches] == [1, 1]


@pytest.mark.parametrize("kind", ["drip", "drip-body", "continue", "silence"])
def test_no_server_outlasts_the_deadline(intake: IntakeServer, kind: str) -> None:
    """Each of them sends a byte or an interim answer for ever; the test ends because we do."""
    misbehave(intake, kind, times=FOREVER)
    uploader = make_uploader(intake, ONCE, timeout_s=0.3)
    with uploader, pytest.raises(RequestFailed) as caught:
        uploader.post(make_body())
    assert caught.value.retryable


@pytest.mark.parametrize("kind", ["drip", "drip-body", "continue", "silence", "status"])
def test_cancelling_stops_a_request_and_leaves_nothing_open(
    intake: IntakeServer, kind: str
) -> None:
    """With `status` the upload is caught between two attempts."""
    misbehave(intake, kind, 503, times=FOREVER, Retry_After="3600")
    before = held()
    cancellation = Cancellation()
    timer = threading.Timer(0.2, cancellation.cancel)
    timer.start()
    patient = RetryPolicy(wait_s_max=3600.0, total_s=1e6)
    with make_uploader(intake, patient, timeout_s=3600.0, cancellation=cancellation) as uploader:
        with pytest.raises(Cancelled):
            uploader.post(make_body())
        with pytest.raises(Cancelled):
            uploader.post(make_body())
    timer.join()
    intake.stopping.set()
    while held() > before:  # the intake's own threads end a moment later
        threading.Event().wait(0.01)
    assert intake.ledger.view("upload-1") is None


def still_open() -> list[object]:
    """Return the uploader's sockets, and the files of sinks, that are open in this process."""
    return [
        thing
        for thing in gc.get_objects()
        if (isinstance(thing, GuardedSocket) and thing.fileno() >= 0)
        or (isinstance(thing, DiskSink) and not thing._file.closed)
    ]


@pytest.mark.parametrize("fault", ["status:101", "status:503", "garbage", "silence", "drip-body"])
def test_closing_lets_go_of_sockets_and_files_at_once(intake: IntakeServer, fault: str) -> None:
    """Whoever keeps an error keeps its frames and all that they hold; nothing is collected here."""
    intake.faults.replace([parse_fault(f"{fault}*2")])
    kept, options = list[UploadError](), PipelineOptions(sink="disk")
    gc.collect()
    gc.disable()
    try:
        with make_uploader(intake, ONCE, timeout_s=0.3) as uploader:
            for _ in range(2):
                try:
                    streaming.run(iter_packages([make_parcel("p", 2)]), uploader, options, print)
                except UploadError as error:
                    kept.append(error)
        assert len(kept) == 2
        assert still_open() == []
    finally:
        gc.enable()


def test_a_sink_that_cannot_be_read_is_not_the_networks_fault(intake: IntakeServer) -> None:
    sink = DiskSink()
    sink.write(b"x" * 100_000)
    os.ftruncate(sink._file.fileno(), 0)
    with make_uploader(intake) as uploader, IntakeClient(uploader.options) as lean:
        for client in (uploader, lean):
            with pytest.raises(PipelineError, match="cut short"):
                client.post(SinkBody("text/plain", sink))
    sink.close()


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:80", "ftp://host/", "http://", "http://user:pass@host/", "http://[::1"),
        *("http://a..b/", "http://.a/", f"http://{'a' * 64}/", "http://\udcff/", "http://a\0b/"),
    ],
    ids=ascii,
)
def test_a_url_that_cannot_be_used_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Uploader(UploadOptions(url=url))
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "a-host.example", "a.b."])
def test_a_host_that_may_exist_is_no_configuration_error(host: str) -> None:
    Uploader(UploadOptions(url=f"http://{host}:1/")).close()


def test_an_upload_without_an_id_gets_one_of_its_own() -> None:
    options = UploadOptions(url="http://127.0.0.1:1/")
    with Uploader(options) as first, Uploader(options) as second:
        assert first.options.upload_id
        assert first.options.upload_id != second.options.upload_id


def test_the_environment_is_asked_for_neither_credentials_nor_proxies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with echo_server() as (url, seen):
        uploader = Uploader(UploadOptions(url=url))
        with uploader, pytest.raises(UploadError):
            uploader.post(make_body())
    assert "Authorization" not in seen[0]
