"""Decide what a corpus argument means, and say so."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness.corpus.binary import Binary, digest_file, pinned
from harness.corpus.fetch import iter_fetch
from harness.corpus.fixtures import committed_path, pinned_manifest
from harness.corpus.inventory import inventory
from harness.corpus.manifest import Manifest
from harness.corpus.progress import OnProgress, ignore
from harness.corpus.stamp import Stamp, is_stamped
from harness.errors import CorpusError


class Planned(NamedTuple):
    """A binary that is here or will come, as far as that is known before it is."""

    name: str
    path: Path
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What there is to measure.

    `label` names it in one line for every report. `warning` is not empty when it is less than, or
    something else than, what was asked for. `planned` lists what `binaries` will yield, smallest
    first; `binaries` can be walked once, waits for downloads, and has to be closed when it is not
    walked to its end.
    """

    label: str
    binaries: Generator[Binary, None, None]
    planned: tuple[Planned, ...]
    warning: str = ""
    _come: dict[str, Binary] = field(default_factory=dict)

    def wait_for(self, name: str) -> Binary:
        """Return a planned binary, once it is there or known not to come.

        While nobody waits, no compiler runs: see `iter_fetch`.
        """
        while name not in self._come:
            binary = next(self.binaries)
            self._come[binary.name] = binary
        return self._come[name]

    def close(self) -> None:
        """Stop what goes on in the background; what was fetched stays."""
        self.binaries.close()


def resolve(path: Path, tier: str = "", on_progress: OnProgress = ignore) -> Corpus:
    """Turn the corpus argument of a command into binaries.

    A file is itself. A directory is what it holds; one that does not exist is filled with a pinned
    tier if its name or `tier` says that this is meant, and one that a fetch has begun to fill is
    completed. When nothing can be fetched, the
    committed binaries stand in, plainly labelled.

    Args:
        path: A file, a directory, or a directory yet to be made.
        tier: What to fetch; when empty, what this directory was made for, or `default`.
        on_progress: Told about every step of a fetch, from a background thread.

    Raises:
        CorpusError: There is nothing to measure, and nothing that could be fetched.
    """
    manifest = pinned_manifest()
    if path.is_dir() and not is_stamped(path):
        return _from_directory(path, inventory(path))
    if path.exists() and not path.is_dir():
        found = inventory(path)
        return Corpus(label=str(path), binaries=_each(found), planned=_plan(found))
    _check_name(path, tier)
    tiers = [tier] if tier else Stamp.read(path).tiers or ["default"]
    return _from_fetch(manifest, tiers, path, on_progress)


def committed_corpus(warning: str = "") -> Corpus:
    """Return the small binaries that ship with the harness, their digests verified.

    Raises:
        CorpusError: One of them is missing or changed.
    """
    pins = pinned_manifest().tier("small")
    found = []
    for pin in pins:
        path = committed_path(pin.path)
        if not path.is_file() or digest_file(path) != pin.sha256:
            raise CorpusError(
                f"the committed binary {path} is missing or changed",
                remedy="restore it from version control",
            )
        found.append(pinned(pin, path))
    return Corpus(
        label="small tier: the binaries committed under fixtures/binaries, NOT the default tier",
        binaries=_each(found),
        planned=_plan(found),
        warning=warning,
    )


def _from_directory(path: Path, found: list[Binary]) -> Corpus:
    if not found:
        raise CorpusError(
            f"{path} is empty",
            remedy=f"put binaries there, or fill it: python -m harness corpus fetch {path}",
        )
    return Corpus(label=f"directory {path}", binaries=_each(found), planned=_plan(found))


def _from_fetch(
    manifest: Manifest, tiers: list[str], path: Path, on_progress: OnProgress
) -> Corpus:
    pins = {pin.name: pin for tier in tiers for pin in manifest.tier(tier)}
    others = inventory(path) if path.is_dir() else []
    others = [binary for binary in others if binary.name not in pins]
    ready = iter_fetch(manifest, tiers, path, on_progress)
    try:
        # The first one tells whether anything can be had at all.
        first = next(ready)
    except CorpusError as error:
        return committed_corpus(f"nothing could be fetched into {path}: {error}")
    planned = [
        *_plan(others),
        *(Planned(pin.name, path / pin.name, pin.size_bytes, pin.sha256) for pin in pins.values()),
    ]
    return Corpus(
        label=f"{' and '.join(tiers)} tier, pinned by sha256, in {path}",
        binaries=_each([*others, first], ready),
        planned=tuple(sorted(planned, key=lambda plan: plan.size_bytes)),
    )


def _each(found: Iterable[Binary], ready: Iterable[Binary] = ()) -> Generator[Binary, None, None]:
    yield from found
    yield from ready


def _plan(binaries: Iterable[Binary]) -> tuple[Planned, ...]:
    return tuple(
        Planned(binary.name, binary.path, binary.size_bytes, binary.sha256) for binary in binaries
    )


def _check_name(path: Path, tier: str) -> None:
    """Refuse what looks like a mistyped path, before it becomes a directory of downloads.

    Who names a tier asks for downloads; else the directory has to be called a corpus.
    """
    if path.exists():
        return
    meant = tier or "corpus" in path.name.lower()
    if not meant or path.suffix or not path.absolute().parent.is_dir():
        raise CorpusError(
            f"there is no file or directory {path}",
            remedy=f"to fetch binaries into a new directory: python -m harness corpus fetch {path}",
        )
