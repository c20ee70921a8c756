"""The doctor proves that faults are caught."""

from __future__ import annotations

import pytest

from harness.bench.prove import Proof, iter_proofs


@pytest.fixture(scope="module")
def proofs() -> list[Proof]:
    return list(iter_proofs())


@pytest.mark.slow
def test_every_planted_fault_is_caught_and_the_evidence_shown(proofs: list[Proof]) -> None:
    assert [proof.fault for proof in proofs if not proof.caught] == []
    assert all(proof.evidence for proof in proofs)


@pytest.mark.slow
def test_every_kind_of_fault_is_planted(proofs: list[Proof]) -> None:
    told = " ".join(proof.fault for proof in proofs)
    for fault in (
        "leak",
        "extractor",
        "copy",
        "replicate",
        "capture",
        "scope",
        "batches",
        "8 MiB more",
    ):
        assert fault in told
