"""The doctor says what it found, and proves that faults are caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.bench.prove import Proof, iter_proofs
from harness.run.doctor import FAILURE, OK, iter_checks


def test_a_machine_that_runs_the_tests_is_found_fit(tmp_path: Path) -> None:
    checks = {check.name: check for check in iter_checks(tmp_path / "results")}
    assert not [check for check in checks.values() if check.status == FAILURE]
    assert checks["probe memray"].detail.startswith("heap_peak_memray ")
    assert all(check.remedy for check in checks.values() if check.status != OK)


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
