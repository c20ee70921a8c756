"""Where the committed fixtures are, in a checkout and in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from harness.corpus.manifest import Manifest, load_manifest
from harness.errors import CorpusError

_PACKAGE = Path(__file__).resolve().parent.parent


def fixtures_directory() -> Path:
    """Return the directory that holds `corpus.toml`, `binaries/` and `suites/`.

    A wheel carries it inside the package; a checkout, beside the package.

    Raises:
        CorpusError: It is in neither place.
    """
    for place in (_PACKAGE / "fixtures", _PACKAGE.parent / "fixtures"):
        if (place / "corpus.toml").is_file():
            return place
    raise CorpusError(
        "the fixtures are missing from this installation",
        remedy="install harness again, from a wheel or from a whole checkout",
    )


def committed_path(path: str) -> Path:
    """Return where a committed binary of the manifest is."""
    return fixtures_directory() / "binaries" / path


@cache
def pinned_manifest() -> Manifest:
    """Return the manifest that ships with the harness."""
    return load_manifest(fixtures_directory() / "corpus.toml")
