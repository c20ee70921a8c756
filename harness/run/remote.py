"""Binaries elsewhere: listed by URL, fetched by whoever measures them, verified, removed."""

from __future__ import annotations

import hashlib
import posixpath
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from msgspec import Struct, structs

from harness.errors import ConfigError, CorpusError, FetchFailed, HarnessError, OtherContent
from harness.records import Binary
from harness.store.seal import describe

_NOT_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
_NOT_FOR_US = (401, 403, 404, 410)
"""What a server of HTTP says of an address that is as wrong a minute later."""


class _Entry(Struct, frozen=True, kw_only=True):
    """One binary of a manifest; its `url` may be a path beside it."""

    url: str
    sha256: str
    size_bytes: int
    name: str = ""


def is_url(text: str) -> bool:
    """Tell whether a corpus or the path of a binary is an address."""
    return "://" in text


def address_of(corpus: str) -> str:
    """Return the URL of a corpus that is one, or a manifest on this machine; empty for others."""
    if is_url(corpus):
        return corpus
    return f"file://{Path(corpus).absolute()}" if corpus.endswith(".json") else ""


def list_binaries(url: str) -> list[Binary]:
    """Return the binaries of a corpus by URL.

    Args:
        url: A directory, a pattern with `*`, or a manifest that ends in `.json`: a list of objects
            with `url` (or a path beside it), `sha256` and `size_bytes`, and `name` if the last part
            of the path will not do.

    Raises:
        ConfigError: There is nothing, or the extra is not installed.
        CorpusError: It cannot be read.
    """
    with _reading(url):
        found = _from_manifest(url) if url.endswith(".json") else list(_iter_listed(url))
        if not found:  # listing over HTTP hides that nobody answers; looking does not
            fs, place = _filesystem(url.partition("*")[0].rpartition("/")[0] if "*" in url else url)
            fs.info(place)
    if not found:
        raise ConfigError(f"{url}: there is no binary", remedy="name a directory or a pattern")
    return found


@contextmanager
def fetched(binary: Binary, directory: Path) -> Iterator[Binary]:
    """Give the binary as a file here, verified; what was fetched is removed afterwards.

    Raises:
        FetchFailed: It cannot be fetched now, or changed meanwhile.
        OtherContent: It is not what its digest says, however often it is fetched.
        CorpusError: It is not there.
    """
    if not is_url(binary.path):
        yield binary
        return
    path = directory / binary.sha256[:32]
    try:
        _fetch_verified(binary, path)
        yield structs.replace(binary, path=str(path))
    finally:
        path.unlink(missing_ok=True)


def _fetch_verified(binary: Binary, path: Path) -> None:
    """Fetch a binary, twice if need be: one that is replaced while it is read may come torn."""
    if (first := _fetch(binary.path, path)) == binary.sha256:
        return
    if (second := _fetch(binary.path, path)) == binary.sha256:
        return
    if first != second:
        raise FetchFailed(
            f"{binary.path} was another one each time it was read, and none with the sha256 wanted",
            remedy="go on when nobody writes to it",
        )
    raise OtherContent(
        f"{binary.path} has sha256 {second}, not {binary.sha256}",
        remedy="correct the manifest, or what is at the address",
    )


def _fetch(url: str, path: Path) -> str:
    fs, place = _filesystem(url)
    with _reading(url), fs.open(place, "rb") as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return describe(path).sha256


def _from_manifest(url: str) -> list[Binary]:
    fs, place = _filesystem(url)
    base = url.rpartition("/")[0]
    return [
        Binary(
            name=entry.name or PurePosixPath(entry.url).name,
            path=entry.url if is_url(entry.url) else f"{base}/{entry.url}",
            sha256=entry.sha256,
            size_bytes=entry.size_bytes,
        )
        for entry in msgspec.json.decode(fs.cat_file(place), type=list[_Entry])
    ]


def _iter_listed(url: str) -> Iterator[Binary]:
    """Yield what a directory or a pattern has; each is read once, for nobody else says its digest.

    Texts are passed over, as in a directory here.
    """
    fs, place = _filesystem(url)
    paths = sorted(fs.glob(place) if "*" in place else fs.find(place))
    for name, path in zip(_names_of(paths), paths, strict=True):
        content = fs.cat_file(path)
        if content[:4] == b"\x7fELF" or content[:7] == b"!<arch>":
            yield Binary(
                name=name,
                path=fs.unstrip_protocol(path),
                sha256=hashlib.sha256(content).hexdigest(),
                size_bytes=len(content),
            )


def _names_of(paths: list[str]) -> list[str]:
    """Return the last part of each path; where two are alike, what follows the folder of all."""
    names = [PurePosixPath(path).name for path in paths]
    if len(set(names)) == len(paths):
        return names
    base = posixpath.commonpath(paths)
    return [posixpath.relpath(path, base) for path in paths]


def _filesystem(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415  an extra
    except ImportError:
        raise ConfigError(
            f"{url}: an address needs fsspec", remedy="python -m pip install 'heapharness[remote]'"
        ) from None
    fs, place = url_to_fs(url)
    return fs, str(place)


@contextmanager
def _reading(url: str) -> Iterator[None]:
    try:
        yield
    except HarnessError:
        raise
    except Exception as raised:  # whatever the library of an address raises
        error = _behind(raised, url)
        kind: type[CorpusError] = FetchFailed
        remedy = "see whether the address is right, and can be read from here"
        if isinstance(error, ImportError):
            kind, remedy = CorpusError, "install what fsspec needs for this address"
        elif isinstance(error, msgspec.MsgspecError):
            kind, remedy = (
                CorpusError,
                "a manifest is a list of objects with url, sha256 and size_bytes",
            )
        elif isinstance(error, _NOT_THERE) or getattr(error, "status", 0) in _NOT_FOR_US:
            kind = CorpusError
        late = isinstance(error, TimeoutError)
        reason = str(error) or ("no answer in time" if late else "no reason given")
        cause = f"{type(error).__name__}: {reason}"
        raise kind(f"{url}: {cause.removesuffix(f': {url}')}", remedy=remedy) from raised


def _behind(error: Exception, url: str) -> Exception:
    """Return what an error comes from: of a server that is down, fsspec says there is no file."""
    cause = error.__cause__
    return cause if url.startswith("http") and isinstance(cause, Exception) else error
