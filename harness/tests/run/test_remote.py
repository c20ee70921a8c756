"""Corpora by URL: listed, fetched to whoever measures, verified and removed."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec import structs

from harness.cli.app import load_verb
from harness.corpus import fixtures_directory
from harness.errors import ConfigError, CorpusError, FetchFailed, OtherContent
from harness.loading import load_frames
from harness.run.remote import address_of, fetched, is_url, list_binaries
from harness.store import read_manifest
from harness.tests.docs.checkout import document

fsspec = pytest.importorskip("fsspec")

ELF = (fixtures_directory() / "binaries" / "c" / "dwarf5.so").read_bytes()
SHA256 = hashlib.sha256(ELF).hexdigest()


@pytest.fixture
def memory() -> Iterator[str]:
    """Two binaries, in two folders, and a text."""
    fs = fsspec.filesystem("memory")
    fs.pipe({"/bins/one.so": ELF, "/bins/more/two.so": ELF, "/bins/README": b"text"})
    yield "memory://bins"
    fs.rm("/bins", recursive=True)


class Quiet(SimpleHTTPRequestHandler):
    """Logs nothing, writes another byte to what is called `written` as it is read, or is down."""

    reads = itertools.count()

    def do_GET(self) -> None:
        if self.path == "/down.so":
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        if "written" in self.path:
            Path(self.translate_path(self.path)).write_bytes(ELF[:-1] + bytes([next(self.reads)]))
        super().do_GET()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def http(tmp_path: Path) -> Iterator[str]:
    """A manifest with one binary beside it."""
    (tmp_path / "one.so").write_bytes(ELF)
    listed = [{"url": "one.so", "sha256": SHA256, "size_bytes": len(ELF)}]
    (tmp_path / "corpus.json").write_text(json.dumps(listed))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_directory_and_a_pattern_are_what_they_hold(memory: str) -> None:
    assert [one.name for one in list_binaries(memory)] == ["two.so", "one.so"]
    (one,) = list_binaries(f"{memory}/*.so")
    assert (one.sha256, one.size_bytes, is_url(one.path)) == (SHA256, len(ELF), True)


def test_a_binary_is_here_while_it_is_measured_and_no_longer(memory: str, tmp_path: Path) -> None:
    (binary,) = list_binaries(f"{memory}/*.so")
    with fetched(binary, tmp_path) as here:
        assert Path(here.path).read_bytes() == ELF
        assert here.name == binary.name
    assert not list(tmp_path.iterdir())
    wrong = structs.replace(binary, sha256="0" * 64)
    with (
        pytest.raises(CorpusError, match=f"has sha256 {SHA256}, not 000"),
        fetched(wrong, tmp_path),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_what_is_nowhere_is_one_line(memory: str) -> None:
    with pytest.raises(ConfigError, match="there is no binary"):
        list_binaries(f"{memory}/*.exe")
    with pytest.raises(CorpusError, match=r"memory://bins/none\.json: FileNotFoundError"):
        list_binaries(f"{memory}/none.json")
    with pytest.raises(CorpusError, match="nobody://x: ValueError: Protocol not known"):
        list_binaries("nobody://x")


@pytest.mark.parametrize("place", ["*.so", "folder/"])
def test_a_server_that_does_not_answer_is_no_empty_directory(place: str) -> None:
    pytest.importorskip("aiohttp")
    with pytest.raises(CorpusError, match="Connect call failed"):
        list_binaries(f"http://127.0.0.1:9/{place}")


@pytest.mark.parametrize(
    ("manifest", "match"),
    [
        ("[{'url': 'one.so'}]", "missing required field `sha256`"),
        ("{}", "Expected `array`"),
        ("[", "truncated"),
    ],
)
def test_a_manifest_that_is_none_says_what_one_is(memory: str, manifest: str, match: str) -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe("/bins/listed.json", manifest.replace("'", '"').encode())
    with pytest.raises(CorpusError, match=match) as refused:
        list_binaries(f"{memory}/listed.json")
    assert refused.value.remedy == "a manifest is a list of objects with url, sha256 and size_bytes"


def test_binaries_of_one_name_are_told_apart_by_their_folders(memory: str) -> None:
    fsspec.filesystem("memory").pipe("/bins/most/two.so", ELF)
    listed = list_binaries(memory)
    assert [one.name for one in listed] == ["more/two.so", "most/two.so", "one.so"]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        pytest.param("one.so", OtherContent, id="another file"),
        pytest.param("written.so", FetchFailed, id="written to while it is read"),
        pytest.param("down.so", FetchFailed, id="a server that is down"),
        pytest.param("none.so", CorpusError, id="nothing"),
    ],
)
def test_what_may_be_right_the_next_time_is_told_from_what_will_not(
    name: str, fault: type[CorpusError], http: str, tmp_path: Path
) -> None:
    pytest.importorskip("aiohttp")
    (tmp_path / "written.so").write_bytes(ELF)
    place = tmp_path / "place"
    place.mkdir()
    (one,) = list_binaries(f"{http}/corpus.json")
    wanted = structs.replace(one, path=f"{http}/{name}", sha256="0" * 64)
    with pytest.raises(CorpusError) as caught, fetched(wanted, place):
        pass
    assert type(caught.value) is fault
    assert not list(place.iterdir())


def test_a_file_that_was_replaced_while_it_was_read_is_read_again(
    memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (binary,) = list_binaries(f"{memory}/*.so")
    contents = [ELF[:100], ELF]
    monkeypatch.setattr(
        "harness.run.remote.shutil.copyfileobj", lambda _, to, __: to.write(contents.pop(0))
    )
    with fetched(binary, tmp_path) as here:
        assert Path(here.path).read_bytes() == ELF


def test_the_manifest_that_the_documentation_makes_once_is_what_it_was_made_of(
    tmp_path: Path,
) -> None:
    """And on this machine it needs no address, like a path in it."""
    (tmp_path / "one.so").write_bytes(ELF)
    pattern = r'```sh\npython (-c) "([^"]*)" s3://bucket/binaries > corpus.json\n'
    (arguments,) = re.findall(pattern, document("docs/fleet.md"))
    command = [sys.executable, *arguments, f"file://{tmp_path}"]
    written = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    (tmp_path / "corpus.json").write_bytes(written)
    (binary,) = list_binaries(address_of(str(tmp_path / "corpus.json")))
    assert (binary.path, binary.sha256) == (f"file://{tmp_path}/one.so", SHA256)
    (tmp_path / "corpus.json").write_text(json.dumps([json.loads(written)[0] | {"url": "one.so"}]))
    assert list_binaries(address_of(str(tmp_path / "corpus.json"))) == [binary]
    assert not address_of(str(tmp_path))


def test_a_run_over_http_is_measured_where_the_binaries_are_fetched(
    http: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command: the binaries are units of an executor, here of this machine's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    quick = "--arm streaming --source replay --probe bare --replicates 1 --no-report --shard 1/1"
    command = [f"{http}/corpus.json", *quick.split(), "--results", str(tmp_path / "runs")]
    with pytest.raises(SystemExit) as ended:
        load_verb("run")(command)
    assert not ended.value.code
    (run,) = (tmp_path / "runs").iterdir()
    (binary,) = read_manifest(run).corpus
    assert (binary.name, binary.path) == ("one.so", f"{http}/one.so")
    assert set(load_frames(run).samples["status"]) == {"ok"}
