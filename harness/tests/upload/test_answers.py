"""Every odd answer means to both clients what it says, and never more."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from harness.config import UploadOptions
from harness.contracts import Body
from harness.errors import PayloadTooLarge, UploadError
from harness.intake.client import IntakeClient
from harness.tests.intake.bodies import make_body
from harness.tests.upload.peers import ACCEPTED, AMBIGUOUS, PEERS, REFUSED, serve_peer
from harness.tests.upload.senders import ONCE, held
from harness.upload.client import Uploader
from harness.upload.retry import RequestFailed, is_retryable_status


class Said(NamedTuple):
    """What a client made of an answer."""

    outcome: str
    retryable: bool = False


def post_lean(url: str, body: Body) -> Said:
    with IntakeClient(UploadOptions(url=url, timeout_s=20.0)) as client:
        try:
            client.post(body)
        except UploadError as error:
            status = re.search(r": HTTP (\d{3})\b", str(error))
            return Said(REFUSED if status and status[1][0] != "2" else AMBIGUOUS)
    return Said(ACCEPTED)


def post_networked(url: str, body: Body) -> Said:
    with Uploader(UploadOptions(url=url, timeout_s=20.0), ONCE) as client:
        try:
            client.post(body)
        except PayloadTooLarge:
            return Said(REFUSED)
        except RequestFailed as error:
            return Said(AMBIGUOUS if error.unheard else REFUSED, error.retryable)
    return Said(ACCEPTED)


# The client of our own intake counts what it hands over; the other one also sees what arrives.
LARGE = make_body(padding=12_000_000)  # more than a kernel takes in
SMALL = make_body(padding=2000)


@pytest.mark.parametrize("name", PEERS)
def test_an_answer_means_what_it_says(name: str) -> None:
    peer, before = PEERS[name], held()
    early = peer.reads is not None
    with serve_peer(peer) as url:
        for body in (SMALL, LARGE)[: 1 + early]:
            said = post_networked(url, body)
            assert said.outcome == peer.outcome
            assert said.retryable == is_worth_retrying(name)
        assert post_lean(url, LARGE if early else SMALL).outcome == peer.outcome
    assert held() == before


def is_worth_retrying(name: str) -> bool:
    peer = PEERS[name]
    if peer.outcome != REFUSED:
        return peer.outcome == AMBIGUOUS and name != "interim for ever"  # larger than anybody wants
    return is_retryable_status(int(peer.answer.split()[1]))
