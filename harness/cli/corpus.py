"""Fetch, list and verify the binaries to measure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from harness.cli.fetch_progress import FetchProgress
from harness.cli.output import error_console, output_console, write_line
from harness.config import CORPUS, TIER, Tier
from harness.corpus import (
    Binary,
    Finding,
    Pin,
    committed_corpus,
    inventory,
    iter_fetch,
    missing,
    pinned_manifest,
    verify,
)
from harness.errors import CorpusError
from harness.tables import Column, print_table, print_tables
from harness.text import json_bytes
from harness.units import format_bytes

app = typer.Typer(
    name="corpus",
    help=__doc__,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Tier = Annotated[
    Tier,
    typer.Option(
        help="default: eleven real binaries, 103 MB to download; small: the committed ones, no "
        "network; large: two that strain a machine, 125 MB to download."
    ),
]
_Directory = Annotated[Path, typer.Argument(help="Where the binaries are, or will be.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]


@app.command("fetch")
def fetch(directory: _Directory = CORPUS, *, tier: _Tier = TIER, json: _Json = False) -> None:
    """Fill DIRECTORY with a pinned tier; what is there already is not downloaded again.

    Wheels come through pip, with your own index settings; the Go programs are built from source.
    The sha256 of every binary is verified.
    """
    with FetchProgress(error_console()) as progress:
        binaries = list(iter_fetch(pinned_manifest(), [tier], directory, progress))
    if json:
        _write_json({"directory": str(directory), "tier": tier, "binaries": _rows(binaries)})
    else:
        _print_binaries(f"{tier} tier in {directory}", binaries)
    absent = [binary for binary in binaries if not binary.is_elf]
    if absent:
        raise CorpusError(f"{len(absent)} of {len(binaries)} missing: {absent[0].detail}")


@app.command("list")
def list_(directory: _Directory = CORPUS, *, tier: _Tier = TIER, json: _Json = False) -> None:
    """Show the binaries of a tier and of DIRECTORY, fetched or not."""
    found = {binary.name: binary for binary in _found(directory, tier)}
    for pin in pinned_manifest().tier(tier):
        found[pin.name] = _compare(pin, found.get(pin.name), directory)
    binaries = sorted(found.values(), key=_size)
    if json:
        _write_json({"directory": str(directory), "tier": tier, "binaries": _rows(binaries)})
    else:
        _print_binaries(f"{tier} tier and {directory}", binaries)


@app.command("verify")
def verify_(directory: _Directory = CORPUS, *, tier: _Tier = TIER, json: _Json = False) -> None:
    """Read every byte of DIRECTORY again and compare it with the pinned tier."""
    findings = verify(pinned_manifest(), tier, directory)
    if json:
        _write_json({"directory": str(directory), "tier": tier, "findings": findings})
    else:
        _print_findings(findings)
    wrong = [finding.name for finding in findings if finding.state in ("missing", "changed")]
    if wrong:
        raise CorpusError(
            f"missing or changed: {', '.join(wrong)}",
            remedy=f"python -m harness corpus fetch --tier {tier} {directory}",
        )


def _found(directory: Path, tier: str) -> list[Binary]:
    here = inventory(directory) if directory.exists() else []
    return [*committed_corpus().planned, *here] if tier == "small" else here


def _compare(pin: Pin, found: Binary | None, directory: Path) -> Binary:
    """Return what is known of a pinned binary, with the manifest's word on it."""
    if found and found.sha256 == pin.sha256:
        return msgspec.structs.replace(found, pin=pin)
    detail = "not fetched" if found is None else "not the pinned one"
    return missing(pin, directory / pin.name, detail)


def _size(binary: Binary) -> int:
    return binary.pin.size_bytes if binary.pin else binary.size_bytes


def _rows(binaries: Sequence[Binary]) -> list[dict[str, Any]]:
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


def _write_json(document: dict[str, Any]) -> None:
    write_line(json_bytes(document))


def _print_binaries(title: str, binaries: Sequence[Binary]) -> None:
    print_tables(_BINARIES, {title: binaries}, output_console())


def _print_findings(findings: Sequence[Finding]) -> None:
    print_table(_FINDINGS, findings, output_console())


def _status(binary: Binary) -> str:
    return binary.status + (f": {binary.detail}" if binary.detail else "")


_BINARIES: list[Column[Binary]] = [
    Column(key="binary", header="binary", cell=lambda one: one.name, kind="name"),
    Column(key="language", header="language", cell=lambda one: one.pin.language if one.pin else ""),
    Column(
        key="dwarf",
        header="DWARF",
        cell=lambda one: ", ".join(map(str, one.pin.dwarf)) if one.pin else "",
    ),
    Column(key="machine", header="machine", cell=lambda one: one.pin.arch if one.pin else ""),
    Column(key="size", header="size", cell=lambda one: format_bytes(_size(one)), kind="number"),
    Column(key="status", header="status", cell=_status),
]

_FINDINGS: list[Column[Finding]] = [
    Column(key="binary", header="binary", cell=lambda one: one.name, kind="name"),
    Column(key="state", header="state", cell=lambda one: one.state),
    Column(key="detail", header="detail", cell=lambda one: one.detail),
]
