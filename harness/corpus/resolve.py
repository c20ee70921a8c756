"""Decide what a corpus argument means, and say so."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path

from msgspec import Struct, field, structs

from harness.config import TIER
from harness.corpus.binary import CorpusBinary, Stamp, digest_file, is_stamped, missing, pinned
from harness.corpus.control import FetchControl, OnProgress, ignore
from harness.corpus.fetch import iter_arrivals
from harness.corpus.inventory import inventory
from harness.corpus.manifest import COMMITTED, CorpusManifest, committed_path, pinned_manifest
from harness.errors import CorpusError
from harness.text import listed

_MOST_TOLD = 5


class Corpus(Struct, frozen=True, kw_only=True):
    """What there is to measure.

    `label` names it in one line for every report. `warning` is not empty when it is less than, or
    something else than, what was asked for. `planned` lists what will be there, as far as that is
    known before, smallest first. `arrivals` yields each binary that is there or known not to come,
    and None while it takes time; `fetching` says what is done meanwhile.
    """

    label: str
    arrivals: Generator[CorpusBinary | None, None, None]
    planned: list[CorpusBinary]
    warning: str = ""
    fetching: FetchControl | None = None
    _come: dict[str, CorpusBinary] = field(default_factory=dict)

    def arrived(self, name: str) -> CorpusBinary | None:
        """Return a planned binary that is there or known not to come, else None."""
        while name not in self._come and (binary := next(self.arrivals)):
            self._come[binary.name] = binary
        return self._come.get(name)

    @property
    def is_fetching(self) -> bool:
        """Whether pip or a compiler is at work."""
        return self.fetching is not None and self.fetching.is_fetching

    def close(self) -> None:
        """Stop what goes on in the background; what was fetched stays."""
        self.arrivals.close()


def resolve(path: Path, tier: str = "", on_progress: OnProgress = ignore) -> Corpus:
    """Turn the corpus argument of a command into binaries.

    A file is itself. A directory is what it holds, without texts; one that does not exist is filled
    with a pinned tier if its name or `tier` says that this is meant, and one that a fetch has begun
    to fill is completed. When nothing can be fetched, the committed binaries stand in, plainly
    labelled.

    Args:
        path: A file, a directory, or a directory yet to be made.
        tier: What to fetch; when empty, what this directory was made for, or `TIER`.
        on_progress: Told about every step of a fetch, from a background thread.

    Raises:
        CorpusError: There is nothing to measure, and nothing that could be fetched.
    """
    manifest = pinned_manifest()
    if path.is_dir() and not is_stamped(path):
        return _from_directory(path, inventory(path))
    if path.exists() and not path.is_dir():
        return _here(str(path), inventory(path))
    _check_name(path, tier)
    tiers = [tier] if tier else Stamp.read(path).tiers or [TIER]
    return _from_fetch(manifest, tiers, path, on_progress)


def list_tier(tier: str, directory: Path) -> list[CorpusBinary]:
    """Return the binaries of a tier and of a directory, fetched or not, smallest first."""
    here = inventory(directory) if directory.exists() else []
    if tier == COMMITTED:
        here = [*committed_corpus().planned, *here]
    found = {binary.name: binary for binary in here}
    for pin in pinned_manifest().tier(tier):
        known = found.get(pin.name)
        if known and known.sha256 == pin.sha256:
            found[pin.name] = structs.replace(known, pin=pin)
        else:
            detail = "not the pinned one" if known else "not fetched"
            found[pin.name] = missing(pin, directory / pin.name, detail)
    return sorted(found.values(), key=lambda binary: binary.known_size_bytes)


def committed_corpus(warning: str = "") -> Corpus:
    """Return the small binaries that ship with the harness, their digests verified.

    Raises:
        CorpusError: One of them is missing or changed.
    """
    pins = pinned_manifest().tier(COMMITTED)
    found = []
    for pin in pins:
        path = committed_path(pin)
        if not path.is_file() or digest_file(path) != pin.sha256:
            raise CorpusError(
                f"the committed binary {path} is missing or changed",
                remedy="restore it from version control",
            )
        found.append(pinned(pin, path))
    label = (
        f"{COMMITTED} tier: the binaries committed under fixtures/binaries, NOT the default tier"
    )
    return _here(label, found, warning)


def _here(label: str, found: list[CorpusBinary], warning: str = "") -> Corpus:
    return Corpus(label=label, arrivals=_each(found), planned=found, warning=warning)


def _from_directory(path: Path, found: list[CorpusBinary]) -> Corpus:
    binaries, texts = _without_texts(found)
    if not binaries:
        raise CorpusError(
            f"{path} contains only text files" if texts else f"{path} is empty",
            remedy=f"put binaries there, or fill it: python -m harness corpus fetch {path}",
        )
    return _here(f"directory {path}{_told(texts)}", binaries)


def _without_texts(found: list[CorpusBinary]) -> tuple[list[CorpusBinary], list[str]]:
    """Return what may be measured, and the names of the texts that lie beside it.

    Nobody meant a build script to be measured; as a rejected binary it would spoil the run.
    """
    texts = [binary.name for binary in found if binary.status == "text"]
    return [binary for binary in found if binary.status != "text"], texts


def _told(texts: list[str]) -> str:
    return f"; not measured, as texts: {listed(texts, _MOST_TOLD)}" if texts else ""


def _from_fetch(
    manifest: CorpusManifest, tiers: list[str], path: Path, on_progress: OnProgress
) -> Corpus:
    pins = {pin.name: pin for tier in tiers for pin in manifest.tier(tier)}
    others, texts = _without_texts(inventory(path) if path.is_dir() else [])
    others = [binary for binary in others if binary.name not in pins]
    control = FetchControl(on_progress)
    ready = iter_arrivals(manifest, tiers, path, control)
    try:
        # The first one tells whether anything can be had at all.
        first = next(ready)
    except CorpusError as error:
        return committed_corpus(f"nothing could be fetched into {path}: {error}")
    planned = [*others, *(pinned(pin, path / pin.name) for pin in pins.values())]
    return Corpus(
        label=f"{' and '.join(tiers)} tier, pinned by sha256, in {path}{_told(texts)}",
        arrivals=_each([*others, first], ready),
        planned=sorted(planned, key=lambda binary: binary.size_bytes),
        fetching=control,
    )


def _each(
    found: Iterable[CorpusBinary | None], ready: Iterable[CorpusBinary | None] = ()
) -> Generator[CorpusBinary | None, None, None]:
    yield from found
    yield from ready


def _check_name(path: Path, tier: str) -> None:
    """Refuse what looks like a mistyped path, before it becomes a directory of downloads.

    Who names a tier asks for downloads; else the directory has to be called a corpus.
    """
    if path.exists():
        return
    meant = tier or "corpus" in path.name.lower()
    if not meant or path.suffix or not path.absolute().parent.is_dir():
        raise CorpusError(
            f"{path} does not exist",
            remedy=f"to fetch binaries into a new directory: python -m harness corpus fetch {path}",
        )
