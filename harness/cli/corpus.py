"""Fetch, list and verify the binaries to measure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.fetch_progress import FetchProgress
from harness.cli.options import Json, group
from harness.cli.output import error_console, output_console, write_json
from harness.config import CORPUS, TIER, Tier
from harness.corpus import CorpusBinary, PinCheck, iter_fetch, list_tier, pinned_manifest, verify
from harness.errors import CorpusError
from harness.printing import print_table, print_tables
from harness.tables import Column
from harness.units import format_bytes

app = group("corpus", __doc__)

_Tier = Annotated[
    Tier,
    typer.Option(
        help="default: eleven real binaries, 103 MB to download; small: the committed ones, no "
        "network; large: three that strain a machine, 144 MB to download."
    ),
]
_Directory = Annotated[Path, typer.Argument(help="Where the binaries are, or will be.")]


@app.command("fetch")
def fetch(directory: _Directory = CORPUS, *, tier: _Tier = TIER, json: Json = False) -> None:
    """Fill DIRECTORY with a pinned tier; what is there already is not downloaded again.

    Wheels come through pip, with your own index settings; the Go programs are built from source.
    The sha256 of every binary is verified.
    """
    with FetchProgress(error_console()) as progress:
        binaries = list(iter_fetch(pinned_manifest(), [tier], directory, progress))
    _show(f"{tier} tier in {directory}", binaries, directory, tier, json=json)
    absent = [binary for binary in binaries if not binary.is_elf]
    if absent:
        raise CorpusError(f"{len(absent)} of {len(binaries)} missing: {absent[0].detail}")


@app.command("list")
def list_(directory: _Directory = CORPUS, *, tier: _Tier = TIER, json: Json = False) -> None:
    """Show the binaries of a tier and of DIRECTORY, fetched or not."""
    binaries = list_tier(tier, directory)
    _show(f"{tier} tier and {directory}", binaries, directory, tier, json=json)


@app.command("verify")
def verify_(directory: _Directory = CORPUS, *, tier: _Tier = TIER, json: Json = False) -> None:
    """Read every byte of DIRECTORY again and compare it with the pinned tier."""
    findings = verify(pinned_manifest(), tier, directory)
    if json:
        write_json({"directory": str(directory), "tier": tier, "findings": findings})
    else:
        print_table(_FINDINGS, findings, output_console())
    wrong = [finding.name for finding in findings if finding.state in ("missing", "changed")]
    if wrong:
        raise CorpusError(
            f"missing or changed: {', '.join(wrong)}",
            remedy=f"python -m harness corpus fetch --tier {tier} {directory}",
        )


def _show(
    title: str, binaries: Sequence[CorpusBinary], directory: Path, tier: Tier, *, json: bool
) -> None:
    if json:
        write_json({"directory": str(directory), "tier": tier, "binaries": _rows(binaries)})
    else:
        print_tables(_BINARIES, {title: binaries}, output_console())


def _rows(binaries: Sequence[CorpusBinary]) -> list[dict[str, Any]]:
    return [
        {
            "name": binary.name,
            "path": str(binary.path),
            "status": binary.status,
            "detail": binary.detail,
            "size_bytes": binary.size_bytes,
            "sha256": binary.sha256,
            "language": binary.pin.language if binary.pin else None,
            "dwarf": binary.pin.dwarf if binary.pin else None,
            "arch": binary.pin.arch if binary.pin else None,
        }
        for binary in binaries
    ]


def _status(binary: CorpusBinary) -> str:
    return binary.status + (f": {binary.detail}" if binary.detail else "")


_BINARIES: list[Column[CorpusBinary]] = [
    Column("binary", lambda one: one.name, kind="name"),
    Column("language", lambda one: one.pin.language if one.pin else ""),
    Column(
        "dwarf", lambda one: ", ".join(map(str, one.pin.dwarf)) if one.pin else "", header="DWARF"
    ),
    Column("machine", lambda one: one.pin.arch if one.pin else ""),
    Column("size", lambda one: format_bytes(one.known_size_bytes), kind="number"),
    Column("status", _status),
]

_FINDINGS: list[Column[PinCheck]] = [
    Column("binary", lambda one: one.name, kind="name"),
    Column("state", lambda one: one.state),
    Column("detail", lambda one: one.detail),
]
