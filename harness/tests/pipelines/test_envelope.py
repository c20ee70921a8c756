import msgspec
from hypothesis import given
from hypothesis import strategies as st

from harness.config import UploadOptions
from harness.pipelines import envelope, multipart

PLAIN = UploadOptions(
    url="http://127.0.0.1:1/", service="shop", version="1.2", runtime_id="r-1", upload_id="u-1"
)


def test_the_streaming_envelope_is_compact_and_ends_with_final() -> None:
    whole = envelope.streaming_prefix(PLAIN, 7) + b"{}" + envelope.streaming_suffix(final=True)
    assert whole == (
        b'{"service":"shop","version":"1.2","language":"go","upload_id":"u-1","batch_num":7,'
        b'"scopes":[{}],"final":true}'
    )


def test_the_streaming_event_says_everything_the_envelope_says() -> None:
    assert envelope.streaming_event(PLAIN, 7, final=False, attachment_bytes=123) == (
        b'{"ddsource":"dd_debugger","service":"shop","version":"1.2","language":"go",'
        b'"runtimeId":"r-1","type":"symdb","uploadId":"u-1","batchNum":7,"final":false,'
        b'"attachmentSize":123}'
    )


def test_the_legacy_envelope_has_a_line_for_each_key_and_final_before_the_scopes() -> None:
    assert envelope.legacy_envelope(PLAIN, 7, False, b"[]", "json") == (
        b'{\n"service": "shop",\n"version": "1.2",\n"language": "go",\n"upload_id": "u-1",\n'
        b'"batch_num": 7,\n"final": false,\n"scopes": []\n}\n'
    )


def test_the_legacy_event_names_neither_version_nor_batch() -> None:
    event = msgspec.json.decode(envelope.legacy_event(PLAIN, "json"))
    assert list(event.items()) == [
        ("ddsource", "dd_debugger"),
        ("service", "shop"),
        ("runtimeId", "r-1"),
        ("debugger", {"type": "symdb"}),
    ]


@given(st.text(), st.text(), st.text())
def test_all_names_round_trip_through_envelopes_and_events(
    service: str, version: str, runtime: str
) -> None:
    options = msgspec.structs.replace(PLAIN, service=service, version=version, runtime_id=runtime)
    new = envelope.streaming_prefix(options, 1) + envelope.streaming_suffix(final=True)
    old = envelope.legacy_envelope(options, 1, True, b"[]", "json")
    for document in (new, old):
        decoded = msgspec.json.decode(document)
        assert (decoded["service"], decoded["version"]) == (service, version)
    for event in (
        envelope.streaming_event(options, 1, final=True, attachment_bytes=1),
        envelope.legacy_event(options, "json"),
    ):
        decoded = msgspec.json.decode(event)
        assert (decoded["service"], decoded["runtimeId"]) == (service, runtime)


def test_the_form_frames_the_gzip_part_and_then_the_event() -> None:
    whole = multipart.prologue(b"XX") + b"GZIP" + multipart.epilogue(b"XX", b"{}")
    assert whole == (
        b"--XX\r\n"
        b'Content-Disposition: form-data; name="file"; filename="file.gz"\r\n'
        b"Content-Type: application/gzip\r\n\r\n"
        b"GZIP\r\n--XX\r\n"
        b'Content-Disposition: form-data; name="event"; filename="event.json"\r\n'
        b"Content-Type: application/json\r\n\r\n"
        b"{}\r\n--XX--\r\n"
    )
