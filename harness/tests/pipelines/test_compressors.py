import random
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.pipelines.compressors import (
    COMPRESSOR_NAMES,
    Compressor,
    default_level,
    held_back_bytes,
    make_compressor,
    worst_case_bytes,
)

LEVELS = {"zlib": (0, 1, 6, 9), "zlib-ng": (0, 1, 6, 9), "isal": (1, 3)}
CASES = [(name, level) for name in COMPRESSOR_NAMES for level in LEVELS[name]]


def made(name: str, level: int) -> Compressor:
    if name != "zlib":
        pytest.importorskip(name.replace("-", "_"))
    return make_compressor(name, level)


@pytest.mark.parametrize(("name", "level"), CASES)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_compressed_comes_back_as_one_gzip_member(
    name: str, level: int, pieces: list[bytes]
) -> None:
    compressor = made(name, level)
    packed = b"".join(map(compressor.compress, pieces)) + compressor.flush()
    assert zlib.decompress(packed, 31) == b"".join(pieces)


@pytest.mark.parametrize(("name", "level"), CASES)
@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(0, 40_000), st.integers(0, 9))
def test_no_compressor_expands_by_more_than_the_worst_case(
    name: str, level: int, pieces: list[bytes], size: int, seed: int
) -> None:
    compressor = made(name, level)
    head = compressor.flush(zlib.Z_SYNC_FLUSH)
    pieces.append(random.Random(seed).randbytes(size))
    packed = head + b"".join(map(compressor.compress, pieces)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert len(packed) <= worst_case_bytes(sum(map(len, pieces)))


@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("alphabet", [1, 2, 4, 16, 64, 256])
def test_zlib_holds_back_no_more_than_its_bound(level: int, alphabet: int) -> None:
    compressor = zlib.compressobj(level, zlib.DEFLATED, 31)
    bound = held_back_bytes("zlib")
    source, held = random.Random(alphabet), []
    letters = bytes(byte % alphabet for byte in range(256))
    for _ in range(40):
        compressor.compress(source.randbytes(8 * 1024).translate(letters))
        held.append(len(compressor.copy().flush(zlib.Z_SYNC_FLUSH)))
    assert bound is not None
    assert 0 < max(held) <= bound


@pytest.mark.parametrize(
    ("name", "level"), [("brotli", 6), ("zlib", 10), ("zlib", -1), ("isal", 0), ("isal", 4)]
)
def test_a_compressor_that_does_not_exist_is_a_configuration_error(name: str, level: int) -> None:
    with pytest.raises(ConfigError, match="choose from"):
        make_compressor(name, level)


@pytest.mark.parametrize(
    ("name", "module"), [("isal", "isal.isal_zlib"), ("zlib-ng", "zlib_ng.zlib_ng")]
)
def test_a_missing_extra_says_how_to_install_it(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module.partition(".")[0], None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=f"pip install {name}"):
        make_compressor(name, 1)


@pytest.mark.parametrize("name", COMPRESSOR_NAMES)
def test_every_compressor_has_a_default_level_of_its_own(name: str) -> None:
    if name != "zlib":
        pytest.importorskip(name.replace("-", "_"))
    assert make_compressor(name, default_level(name)).flush()
