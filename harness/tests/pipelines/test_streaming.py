"""The streaming encoder and its loop, against a poster that keeps every body."""

from collections.abc import Iterator

import msgspec
import pytest

from harness.config import KIB, PipelineOptions
from harness.contracts import Pipeline
from harness.errors import InputRejected, PipelineError, UploadError
from harness.model import Package, Scope, continue_package, package_scope
from harness.pipelines import legacy, streaming
from harness.pipelines.compressors import default_level
from harness.pipelines.gzip_stream import GzipStream
from harness.pipelines.sinks import DiskSink, MemorySink
from harness.pipelines.streaming import BatchEncoder
from harness.records import Batch, Counters
from harness.tests.pipelines.parcels import (
    KeepingPoster,
    Parcel,
    iter_packages,
    look_away,
    make_function,
    make_parcel,
)

EACH = PipelineOptions(threshold_bytes=0)


def ship(
    parcels: list[Parcel], options: PipelineOptions = EACH, poster: KeepingPoster | None = None
) -> tuple[KeepingPoster, list[Batch]]:
    keeper, batches = poster or KeepingPoster(), list[Batch]()
    streaming.run(iter_packages(parcels), keeper, options, batches.append)
    return keeper, batches


def make_encoder(poster: KeepingPoster, options: PipelineOptions = EACH) -> BatchEncoder:
    return BatchEncoder(poster, options, look_away)


def test_batches_are_numbered_from_one_and_only_the_last_is_final() -> None:
    keeper, batches = ship([make_parcel(f"p{i}", 2) for i in range(3)])
    assert [(b.batch_num, b.final) for b in batches] == [(1, False), (2, False), (3, True)]
    for number, delivered in enumerate(keeper.delivered, 1):
        assert list(delivered.envelope) == [
            "service", "version", "language", "upload_id", "batch_num", "scopes", "final",
        ]  # fmt: skip
        assert delivered.envelope["batch_num"] == delivered.event["batchNum"] == number
        assert delivered.envelope["upload_id"] == delivered.event["uploadId"] == "upload-1"
        assert delivered.envelope["final"] == delivered.event["final"] == (number == 3)
        assert delivered.event["attachmentSize"] == len(delivered.attachment)


def test_a_claim_states_the_sizes_of_what_was_sent() -> None:
    keeper, batches = ship([make_parcel("p", 3)], PipelineOptions(threshold_bytes=100))
    (delivered,), (batch,) = keeper.delivered, batches
    assert batch.payload_bytes == len(delivered.body)
    assert batch.raw_bytes == len(delivered.raw)
    assert batch.overshoot_bytes == len(delivered.body) - 100
    assert (batch.scopes, batch.functions) == (3, 3)


def test_a_huge_threshold_flushes_only_at_the_end() -> None:
    _, batches = ship([make_parcel(f"p{i}", 2) for i in range(5)], PipelineOptions())
    assert [(b.final, b.scopes) for b in batches] == [(True, 10)]


@pytest.mark.parametrize("run", [legacy.run, streaming.run])
def test_nothing_to_ship_sends_nothing(run: Pipeline) -> None:
    keeper = KeepingPoster()
    assert run(iter(()), keeper, EACH, look_away) == Counters()
    assert not keeper.delivered


def test_an_extraction_that_fails_sends_nothing_final() -> None:
    """A receiver must not believe that a truncated upload is complete."""

    def iter_broken() -> Iterator[Package]:
        yield from iter_packages([make_parcel("p", 2), make_parcel("q", 2)])
        raise InputRejected("damaged")

    keeper = KeepingPoster()
    with pytest.raises(InputRejected):
        streaming.run(iter_broken(), keeper, EACH, look_away)
    assert [d.envelope["final"] for d in keeper.delivered] == [False]


def test_a_child_is_let_go_before_the_next_is_made() -> None:
    alive: list[int] = []

    class Tracked(list[Scope]):
        def __del__(self) -> None:
            alive.pop()

    def iter_children() -> Iterator[Scope]:
        for index in range(5):
            assert not alive
            alive.append(index)
            child = make_function(f"f{index}", 10)
            child.scopes = Tracked()
            yield child
            del child

    packages = iter([Package(package_scope("p"), "go", iter_children())])
    counters = streaming.run(packages, KeepingPoster(), EACH, look_away)
    assert counters.scopes == 5


def test_the_next_package_is_asked_for_when_the_current_one_is_used_up() -> None:
    order: list[str] = []

    def iter_children(name: str) -> Iterator[Scope]:
        order.append(f"child of {name}")
        yield make_function("f", 1)

    def iter_noted() -> Iterator[Package]:
        for name in "pq":
            order.append(f"begin {name}")
            yield Package(package_scope(name), "go", iter_children(name))

    streaming.run(iter_noted(), KeepingPoster(), EACH, look_away)
    assert order == ["begin p", "child of p", "begin q", "child of q"]


def test_size_is_zero_grows_and_is_zero_again() -> None:
    encoder = make_encoder(KeepingPoster(), PipelineOptions(sync_flush="scope"))
    sizes = [encoder.size()]
    encoder.begin_package(package_scope("p"))
    for index in range(3):
        encoder.add_scope(make_function("f", 500, random_seed=index))
        sizes.append(encoder.size())
    encoder.end_package()
    encoder.flush(final=True)
    assert sizes[0] == 0
    assert sizes == sorted(set(sizes))
    assert encoder.size() == 0


def test_with_sync_flush_the_size_tells_the_truth_but_for_the_end_of_the_batch() -> None:
    keeper = KeepingPoster()
    encoder = make_encoder(keeper, PipelineOptions(sync_flush="package"))
    for package in iter_packages([make_parcel("p", 50), make_parcel("q", 50)]):
        encoder.add_package(package)
    size = encoder.size()
    encoder.flush(final=True)
    assert 0 < len(keeper.delivered[0].body) - size < 600


@pytest.mark.parametrize(
    ("compressor", "threshold"), [("zlib", 0), ("isal", 1000), ("zlib", 100_000), ("isal", 50_000)]
)
def test_a_batch_is_full_when_its_size_says_so(
    compressor: str, threshold: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compressor == "isal":
        pytest.importorskip("isal")
    level = default_level(compressor)
    options = PipelineOptions(threshold_bytes=threshold, compressor=compressor, level=level)
    parcels = [make_parcel(f"p{i}", 1 + i % 7, 3000) for i in range(200)]
    _, batches = ship(parcels, options)
    monkeypatch.setattr(BatchEncoder, "is_full", lambda encoder: encoder.size() >= threshold)
    assert ship(parcels, options)[1] == batches
    assert len(batches) > 2


def test_far_from_the_threshold_nobody_compresses_to_know_the_size() -> None:
    keeper = KeepingPoster()
    encoder = make_encoder(keeper, PipelineOptions())
    encoder.add_package(next(iter_packages([make_parcel("p", 1)])))
    assert encoder._open is not None
    assert (encoder.is_full(), bool(encoder._open.stream.buffer)) == (False, True)
    encoder.size()
    assert not encoder._open.stream.buffer


def test_the_buffer_grows_with_what_was_written_up_to_its_bound() -> None:
    pieces: list[int] = []

    class Noting:
        def compress(self, data: bytes | bytearray | memoryview, /) -> bytes:
            pieces.append(len(data))
            return b""

        def flush(self, _: int = 0, /) -> bytes:
            return b""

    stream = GzipStream(MemorySink(), Noting())
    for _ in range(40_000):
        stream.write(b"x" * 100)
    assert pieces == sorted(pieces)
    assert (pieces[0], pieces[-1]) == (16_400, 82_000)
    assert all(
        size <= max(16 * KIB, sum(pieces[:at]) // 32) + 100 for at, size in enumerate(pieces)
    )


def test_an_empty_final_flush_sends_nothing() -> None:
    keeper = KeepingPoster()
    encoder = make_encoder(keeper)
    encoder.flush(final=True)
    encoder.add_package(next(iter_packages([make_parcel("p", 1)])))
    encoder.flush(final=False)
    encoder.flush(final=True)
    assert [d.envelope["final"] for d in keeper.delivered] == [False]


@pytest.mark.parametrize("sink", ["memory", "disk"])
def test_a_batch_that_failed_is_sent_again_from_the_sink(sink: str) -> None:
    keeper = KeepingPoster()
    keeper.failures = [UploadError("no"), UploadError("no")]
    encoder = make_encoder(keeper, PipelineOptions(sink=sink))
    encoder.add_package(next(iter_packages([make_parcel("p", 4)])))
    for _ in range(2):
        with pytest.raises(UploadError):
            encoder.flush(final=False)
        with pytest.raises(PipelineError, match="waiting"):
            encoder.add_package(next(iter_packages([make_parcel("q", 1)])))
    encoder.flush(final=False)
    encoder.add_package(next(iter_packages([make_parcel("q", 1)])))
    encoder.flush(final=True)
    assert keeper.scopes() == [make_parcel("p", 4), make_parcel("q", 1)]
    assert [d.envelope["batch_num"] for d in keeper.delivered] == [1, 2]
    encoder.close()


@pytest.mark.parametrize("sink", ["memory", "disk"])
def test_a_closed_encoder_delivers_nothing(sink: str) -> None:
    keeper = KeepingPoster()
    encoder = make_encoder(keeper, PipelineOptions(sink=sink))
    encoder.add_package(next(iter_packages([make_parcel("p", 1)])))
    encoder.close()
    encoder.close()
    encoder.flush(final=True)
    with pytest.raises(PipelineError, match="closed"):
        encoder.add_package(next(iter_packages([make_parcel("q", 1)])))
    assert not keeper.delivered


def test_a_flush_inside_a_package_continues_it_in_the_next_batch() -> None:
    keeper = KeepingPoster()
    encoder = make_encoder(keeper)
    scope, children = make_parcel("p", 4)
    encoder.begin_package(scope)
    for child in children:
        encoder.add_scope(child)
        encoder.flush(final=False)
    encoder.end_package()
    encoder.flush(final=True)
    marks = [d.envelope["scopes"][0].get("language_specifics") for d in keeper.delivered]
    assert marks == [None, *[{"continuation": True}] * 3]
    assert keeper.scopes() == [(scope, children)]


@pytest.mark.parametrize("options", [EACH, PipelineOptions(hard_limit=True)], ids=["soft", "hard"])
def test_a_batch_that_could_not_be_encoded_whole_is_never_sent(options: PipelineOptions) -> None:
    keeper = KeepingPoster()
    encoder = make_encoder(keeper, options)
    encoder.begin_package(package_scope("p"))
    encoder.add_scope(make_function("f", 1))
    with pytest.raises(PipelineError, match="encoded"):
        encoder.add_scope(make_function("\ud800", 1))
    with pytest.raises(PipelineError, match="incomplete"):
        encoder.flush(final=True)
    assert not keeper.delivered


def test_a_disk_sink_that_overflows_ends_the_upload_as_a_pipeline_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DiskSink.__init__, "__defaults__", (30_000,))
    keeper = KeepingPoster()
    options = PipelineOptions(sink="disk", level=0)
    with pytest.raises(PipelineError, match="may hold"):
        ship([make_parcel("p", 100, size=1000)], options, keeper)
    assert not keeper.delivered


def test_a_scope_without_a_package_is_a_pipeline_error() -> None:
    with pytest.raises(PipelineError, match="before its package"):
        make_encoder(KeepingPoster()).add_scope(make_function("f", 1))


@pytest.mark.parametrize("encoder", ["json", "orjson", "msgspec"])
def test_a_large_child_encoded_in_parts_has_the_same_bytes(encoder: str) -> None:
    blocks = [make_function(f"b{i}", 30, random_seed=i) for i in range(300)]
    large = make_function("large", 10)
    large.scopes = [make_function("inner", 10), make_function("outer", 10)]
    large.scopes[1].scopes = blocks
    parcel = (package_scope("p"), [large, make_function("g", 3)])
    keeper, _ = ship([parcel], PipelineOptions(encoder=encoder))
    whole = package_scope("p")
    whole.scopes = parcel[1]
    expected = msgspec.json.encode([whole])
    assert keeper.delivered[0].raw.endswith(b',"scopes":' + expected + b',"final":true}')


def test_a_part_that_extraction_marked_as_continuation_is_no_package() -> None:
    """A giant package is delivered by extraction in parts already."""
    scope, children = make_parcel("p", 2)
    parts = [(scope, children[:1]), (continue_package(scope), children[1:])]
    counters = streaming.run(iter_packages(parts), KeepingPoster(), EACH, look_away)
    assert (counters.packages, counters.scopes, counters.batches) == (1, 2, 2)
