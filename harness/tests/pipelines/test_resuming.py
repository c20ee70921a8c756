"""An encoder after a failure: what it sends again, where it goes on, and what it refuses."""

from collections.abc import Iterator

import pytest

from harness.config import PipelineOptions
from harness.contracts import Body
from harness.errors import InputRejected, PipelineError, UploadError
from harness.model import Package, Scope, package_scope
from harness.pipelines.sinks import DiskSink
from harness.pipelines.streaming import BatchEncoder
from harness.tests.pipelines.parcels import (
    KeepingPoster,
    iter_packages,
    look_away,
    make_function,
    make_parcel,
)

LIMITED = PipelineOptions(hard_limit=True, threshold_bytes=1500)
PARCELS = [make_parcel("p", 16), make_parcel("empty", 0), make_parcel("q", 8)]


def make_encoder(poster: KeepingPoster, options: PipelineOptions = LIMITED) -> BatchEncoder:
    return BatchEncoder(poster, options, look_away)


def fail_inside(keeper: KeepingPoster) -> tuple[BatchEncoder, Package]:
    """Return an encoder whose first batch was refused in the middle of a package."""
    keeper.failures = [UploadError("no")]
    encoder, package = make_encoder(keeper), next(iter_packages(PARCELS))
    with pytest.raises(UploadError):
        encoder.add_package(package)
    return encoder, package


class RefusingOnce(KeepingPoster):
    """Refuses one batch, the first time that it comes."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def post(self, body: Body) -> None:
        if len(self.delivered) == self._number:
            self._number = -1
            raise UploadError("no")
        super().post(body)


def insist(keeper: KeepingPoster, options: PipelineOptions) -> int:
    """Ship everything as a caller does who tries again; return how often that was needed."""
    encoder, failures = make_encoder(keeper, options), 0
    for package in iter_packages(PARCELS):
        while True:
            try:
                encoder.add_package(package)
                break
            except UploadError:
                failures += 1
                encoder.flush(final=False)
    encoder.flush(final=True)
    encoder.close()
    return failures


def test_a_scope_that_was_not_taken_has_to_be_added_again() -> None:
    keeper = KeepingPoster()
    keeper.failures = [UploadError("no")]
    encoder = make_encoder(keeper)
    scope, children = PARCELS[0]
    encoder.begin_package(scope)
    refused = []
    for child in children:
        try:
            encoder.add_scope(child)
        except UploadError:
            refused.append(child)
            encoder.flush(final=False)
            with pytest.raises(PipelineError, match="added first"):
                encoder.add_scope(make_function("other", 1))
            with pytest.raises(PipelineError, match="added first"):
                encoder.end_package()
            encoder.add_scope(child)
    encoder.end_package()
    encoder.flush(final=True)
    assert len(refused) == 1
    assert keeper.scopes() == PARCELS[:1]


@pytest.mark.parametrize("threshold", [0, 1500, 3000])
@pytest.mark.parametrize("sink", ["memory", "disk"])
def test_a_failure_of_any_batch_loses_nothing(sink: str, threshold: int) -> None:
    options = PipelineOptions(hard_limit=True, threshold_bytes=threshold, sink=sink)
    smooth = KeepingPoster()
    assert insist(smooth, options) == 0
    for number in range(len(smooth.delivered) - 1):  # the last is sent by the caller's own flush
        keeper = RefusingOnce(number)
        assert insist(keeper, options) == 1
        assert keeper.scopes() == PARCELS
        assert [one.raw for one in keeper.delivered] == [one.raw for one in smooth.delivered]


def test_nothing_goes_on_as_if_an_interrupted_package_were_complete() -> None:
    keeper = KeepingPoster()
    encoder, _ = fail_inside(keeper)
    with pytest.raises(PipelineError, match="waiting"):
        encoder.add_package(next(iter_packages(PARCELS[2:])))
    encoder.flush(final=False)
    with pytest.raises(PipelineError, match="'p' is not complete"):
        encoder.add_package(next(iter_packages(PARCELS[2:])))
    with pytest.raises(PipelineError, match="'p' is not complete"):
        encoder.flush(final=True)
    assert [delivered.envelope["final"] for delivered in keeper.delivered] == [False]


def test_a_final_flush_sends_what_waits_and_says_what_is_missing() -> None:
    keeper = KeepingPoster()
    encoder, _ = fail_inside(keeper)
    with pytest.raises(PipelineError, match="'p' is not complete"):
        encoder.flush(final=True)
    assert [delivered.envelope["final"] for delivered in keeper.delivered] == [False]


def test_a_package_whose_extraction_failed_is_neither_final_nor_followed() -> None:
    def iter_broken() -> Iterator[Scope]:
        yield make_function("f", 1)
        raise InputRejected("damaged")

    keeper = KeepingPoster()
    encoder = make_encoder(keeper, PipelineOptions())
    package = Package(package_scope("p"), "go", iter_broken())
    with pytest.raises(InputRejected):
        encoder.add_package(package)
    for another in (package, next(iter_packages(PARCELS))):
        with pytest.raises(PipelineError, match="'p' is not complete"):
            encoder.add_package(another)
    with pytest.raises(PipelineError, match="'p' is not complete"):
        encoder.flush(final=True)
    assert not keeper.delivered


def test_a_scope_that_cannot_be_encoded_spoils_the_batch_it_was_moved_to() -> None:
    """A large scope goes to the next batch untried when the one before it is as good as full."""
    large = make_function("large", 10)
    large.scopes = [make_function(f"b{i}", 20) for i in range(300)]
    large.scopes[-1].name = "\ud800"
    keeper = KeepingPoster()
    encoder = make_encoder(keeper, PipelineOptions(hard_limit=True, threshold_bytes=0))
    encoder.begin_package(package_scope("p"))
    encoder.add_scope(make_function("f", 1))
    with pytest.raises(PipelineError, match="encoded"):
        encoder.add_scope(large)
    with pytest.raises(PipelineError, match="incomplete"):
        encoder.flush(final=False)
    assert len(keeper.delivered) == 1


def add_and_flush(encoder: BatchEncoder) -> None:
    encoder.add_package(next(iter_packages([make_parcel("p", 20)])))
    encoder.flush(final=False)


@pytest.mark.parametrize("sync_flush", ["none", "package"])
def test_a_sink_that_refused_a_byte_spoils_the_batch(
    monkeypatch: pytest.MonkeyPatch, sync_flush: str
) -> None:
    """What the compressor gave away is gone; the rest of its stream would be garbage."""
    monkeypatch.setattr(DiskSink.__init__, "__defaults__", (400,))
    keeper = KeepingPoster()
    encoder = make_encoder(keeper, PipelineOptions(sink="disk", sync_flush=sync_flush))
    with pytest.raises(PipelineError, match="may hold"):
        add_and_flush(encoder)
    with pytest.raises(PipelineError, match="incomplete"):
        encoder.flush(final=False)
    assert not keeper.delivered
    encoder.close()
