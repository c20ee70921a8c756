"""The legacy pipeline, against a poster that keeps every body."""

import pytest

from harness.config import PipelineOptions, UploadOptions
from harness.model import package_scope
from harness.pipelines import legacy
from harness.pipelines.legacy import ScopeList
from harness.records import Batch
from harness.tests.pipelines.parcels import (
    OPTIONS,
    KeepingPoster,
    Parcel,
    iter_packages,
    make_function,
    make_parcel,
)

DEFAULTS = PipelineOptions()


def ship(
    parcels: list[Parcel], options: PipelineOptions = DEFAULTS, poster: KeepingPoster | None = None
) -> tuple[KeepingPoster, list[Batch]]:
    keeper, batches = poster or KeepingPoster(), list[Batch]()
    legacy.run(iter_packages(parcels), keeper, options, batches.append)
    return keeper, batches


def test_a_batch_is_full_once_a_package_brings_the_functions_to_the_limit() -> None:
    parcels = [make_parcel(f"p{i}", n) for i, n in enumerate([3, 1, 7, 1])]
    _, batches = ship(parcels, PipelineOptions(function_limit=4))
    assert [(b.batch_num, b.functions, b.final) for b in batches] == [
        (1, 4, False),
        (2, 7, False),
        (3, 1, True),
    ]


def test_packages_of_types_alone_never_fill_a_batch() -> None:
    struct = make_function("T", 1)
    struct.scope_type = "struct"
    _, batches = ship(
        [(package_scope(f"p{i}"), [struct]) for i in range(9)], PipelineOptions(function_limit=1)
    )
    assert [(b.scopes, b.functions, b.final) for b in batches] == [(9, 0, True)]


def test_a_claim_states_the_sizes_of_what_was_sent_and_no_overshoot() -> None:
    keeper, (batch,) = ship([make_parcel("p", 3)])
    assert batch.payload_bytes == len(keeper.delivered[0].body)
    assert batch.raw_bytes == len(keeper.delivered[0].raw)
    assert (batch.threshold_bytes, batch.overshoot_bytes) == (0, 0)


def test_a_cut_list_keeps_its_trees_until_they_are_overwritten() -> None:
    scopes, trees = ScopeList(), [package_scope(name) for name in "abc"]
    for tree in trees[:2]:
        scopes.append(tree)
    scopes.truncate()
    assert len(scopes) == 0
    assert scopes.view() == []
    assert scopes._slots == trees[:2]
    scopes.append(trees[2])
    assert scopes.view() == [trees[2]]
    assert scopes._slots == [trees[2], trees[1]]


def test_faithful_escaping_brings_the_original_injection_back() -> None:
    forged = UploadOptions(url=OPTIONS.url, version='1",\n"forged": "yes', upload_id="u")
    options = PipelineOptions(legacy_escaping="faithful")
    keeper, _ = ship([make_parcel("p", 1)], options, KeepingPoster(forged))
    assert keeper.delivered[0].envelope["forged"] == "yes"


@pytest.mark.parametrize("encoder", ["json", "orjson", "msgspec"])
def test_every_encoder_delivers_the_same_scopes(encoder: str) -> None:
    parcels = [make_parcel("é<p>", 3), make_parcel("q", 2)]
    keeper, _ = ship(parcels, PipelineOptions(encoder=encoder))
    assert keeper.scopes() == parcels
