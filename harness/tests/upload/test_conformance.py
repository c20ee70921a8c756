"""Behaviours of servers x pipelines x the hard limit: what is claimed is what a receiver has.

Every behaviour is shown to the second request of an upload, on a connection that has served one.
The quick ones pair each of them with one pipeline, in turn; `tox -e slow` tries all pairs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import pytest

from harness.config import PipelineOptions, UploadOptions
from harness.contracts import Poster
from harness.errors import HarnessError
from harness.intake.client import IntakeClient
from harness.pipelines import legacy, streaming
from harness.records import Batch, Counters
from harness.tests.pipelines.parcels import iter_packages, make_parcel
from harness.tests.upload.oracle import Receiver
from harness.tests.upload.peers import ACCEPTED, AMBIGUOUS, KEY, PEERS, REFUSED, Peer, serving
from harness.tests.upload.senders import HASTY, held
from harness.upload.client import Uploader
from harness.upload.texts import Secret

PARCELS = [make_parcel("p", 3, size=1500), make_parcel("q", 4, size=1500), make_parcel("empty", 0)]
SCOPES = [(scope.name, child.name) for scope, children in PARCELS for child in children]
EACH = PipelineOptions(threshold_bytes=0)
PIPELINES = {
    "legacy": (legacy.run, PipelineOptions(function_limit=1)),
    "memory": (streaming.run, EACH),
    "disk": (streaming.run, PipelineOptions(threshold_bytes=0, sink="disk", sync_flush="scope")),
    "hard limit": (streaming.run, PipelineOptions(threshold_bytes=3000, hard_limit=True)),
    "hard limit, disk": (
        streaming.run,
        PipelineOptions(threshold_bytes=3000, hard_limit=True, sink="disk"),
    ),
}


class Outcome(NamedTuple):
    """What became of an upload: its claim or why there is none, and all that was said."""

    claim: Counters | None
    observed: list[Batch]
    said: list[str]


def ship(client: Poster, pipeline: str, said: list[str]) -> Outcome:
    run, options = PIPELINES[pipeline]
    observed = list[Batch]()
    try:
        return Outcome(
            run(iter_packages(PARCELS), client, options, observed.append), observed, said
        )
    except HarnessError as error:
        return Outcome(None, observed, [*said, str(error), error.remedy])


def ship_networked(url: str, pipeline: str) -> Outcome:
    said, secrets = list[str](), {"DD-API-KEY": Secret(KEY.decode())}

    def tell(_: int, error: BaseException, __: float) -> None:
        said.append(str(error))

    options = UploadOptions(url=url, service="s", version="1", upload_id="u", timeout_s=20.0)
    with Uploader(options, HASTY, secret_headers=secrets, on_retry=tell) as client:
        return ship(client, pipeline, said)


def ship_lean(url: str, pipeline: str) -> Outcome:
    with IntakeClient(UploadOptions(url=url, upload_id="u", timeout_s=20.0)) as client:
        return ship(client, pipeline, [])


def check(
    peer: Peer, pipeline: str, send: Callable[[str, str], Outcome], *, commits: bool
) -> tuple[Receiver, Outcome]:
    """Upload once, and hold everything that can be known of it against everything else."""
    receiver, before = Receiver(peer, commits=commits, at=2), held()
    with serving(receiver.answer, small_window=peer.reads is not None) as url:
        outcome = send(url, pipeline)
    assert held() == before
    assert receiver.problems == []
    assert receiver.claim_problem(outcome.claim, outcome.observed) == ""
    assert [text for text in outcome.said if not text.isprintable()] == []
    assert send is ship_lean or "s3cr3t" not in "".join(outcome.said)  # it knows no key
    if outcome.claim is not None:
        assert receiver.taken[-1].final
        assert outcome.claim.scopes == len(SCOPES) - outcome.claim.dropped
    return receiver, outcome


def iter_cases() -> list[tuple[str, str, bool, Callable[[str, str], Outcome]]]:
    """Return all cases; where nobody knows whether a batch was accepted, both are tried."""
    return [
        (name, pipeline, commits, send)
        for name, peer in PEERS.items()
        for commits in {ACCEPTED: [True], REFUSED: [False], AMBIGUOUS: [True, False]}[peer.outcome]
        for pipeline, send in itertools.product(PIPELINES, (ship_networked, ship_lean))
        if not (commits and peer.reads is not None)  # who has not read it cannot have it
        # A small body is in the kernel before it is read, and the lean client looks no further.
        if not (peer.reads is not None and send is ship_lean)
    ]


CASES = [
    pytest.param(*case, marks=pytest.mark.slow if number % 13 else ())
    for number, case in enumerate(iter_cases())
]


@pytest.mark.parametrize(("name", "pipeline", "commits", "send"), CASES)
def test_what_is_claimed_is_what_was_taken_in(
    name: str, pipeline: str, commits: bool, send: Callable[[str, str], Outcome]
) -> None:
    receiver, outcome = check(PEERS[name], pipeline, send, commits=commits)
    # Who hangs up after an answer may do so under the next request; the lean client asks only once.
    if PEERS[name].outcome == ACCEPTED and send is ship_networked:
        assert (outcome.claim is not None, receiver.duplicates) == (True, 0)
