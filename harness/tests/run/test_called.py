"""What is called, with what, in which directory, and what of its output counts."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
from msgspec import structs

from harness.arms.calls import Target, arms_of, inputs_of, target_of
from harness.errors import ConfigError, InputRejected
from harness.records import VERIFY, Call
from harness.run.called import CalledWork
from harness.run.frames import WorkDone
from harness.run.targets import load
from harness.tests.run.test_judge import CALLED

Caller = Callable[..., WorkDone]

CASES = """
import asyncio
from pathlib import Path

class Exporter:
    @staticmethod
    def run(*args): return repr(args)
    def method(self, count): return count

def given(*args, **kwargs): return repr((args, kwargs))
def nothing(*args): pass
def listed(count): return list(range(count))
def lazy(count): yield from range(count)
async def awaited(count): return list(range(count))
async def lazily(count):
    for number in range(count):
        await asyncio.sleep(0)
        yield number
def writes(text): Path("out").mkdir(); Path("out/a").write_text(text); Path("b").write_text("b")
def where(): return str(Path.cwd().name), sorted(map(str, Path.cwd().iterdir()))
def frame(): return object()
def two(a, b): return a + b
def made(count): return [count] * 2
def parts(count): yield from [b"part"] * count
def first(parts): return next(parts)
def nobody(*args): return None
def length(value): return "always"
def closed(value): Path("closed").write_text(repr(value))
def fails(): raise ValueError("no luck")
number = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module that only a call's own `paths` can find; returns its name."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "cases_of_mine.py").write_text(CASES)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    here = Path.cwd()
    yield "cases_of_mine"
    os.chdir(here)
    sys.modules.pop("cases_of_mine", None)


@pytest.fixture
def call(module: str, tmp_path: Path) -> Caller:
    number = 0

    def one(name: str, *args: str, path: str = "", probe: str = VERIFY, **fields: str) -> WorkDone:
        nonlocal number
        number += 1
        scratch = tmp_path / str(number)
        scratch.mkdir()
        named = {key: f"{module}:{value}" if key not in {"output", "pickled"} else value
                 for key, value in fields.items()}  # fmt: skip
        code = (str(tmp_path / "code"),)
        called = structs.replace(Call(**named), args=args, paths=code)  # type: ignore[arg-type]
        job = structs.replace(
            CALLED, binary_path=path, probe=probe, pipeline=f"{module}:{name}",
            scratch=str(scratch), call=called,
        )  # fmt: skip
        work = CalledWork(job)
        work()
        return work.done()

    return one


def test_arguments_are_literals_or_text_and_the_input_comes_first(call: Caller) -> None:
    done = call("given", "1", "a", "[1, 2]", "b=None", "c=x=y", path="/in")
    same = call("given", "1", "'a'", "[1,2]", "c='x=y'", "b=None", path="/in")
    assert done.digest != call("given").digest
    assert done.counters.raw_bytes == len(repr((("/in", 1, "a", [1, 2]), {"b": None, "c": "x=y"})))
    assert same.counters == done.counters


def test_pickled_arguments_take_the_place_of_text(call: Caller, tmp_path: Path) -> None:
    path = tmp_path / "args"
    path.write_bytes(pickle.dumps(((1, {2}), {"b": b""})))
    done = call("given", pickled=str(path))
    assert done.counters.raw_bytes == len(repr(((1, {2}), {"b": b""})))


@pytest.mark.parametrize("name", ["lazy", "awaited", "lazily"])
def test_an_iterator_is_read_and_an_awaitable_awaited(call: Caller, name: str) -> None:
    assert call(name, "5").digest == call("listed", "5").digest != call("listed", "6").digest


def test_an_attribute_may_have_dots(call: Caller) -> None:
    assert call("Exporter.run", "1").digest


def test_it_runs_in_an_empty_directory_of_its_own(call: Caller) -> None:
    assert call("where").digest == call("where").digest


def test_what_is_written_counts_all_of_it_or_what_is_named(call: Caller) -> None:
    whole, part = call("writes", "a"), call("writes", "a", output="out")
    assert (whole.counters.raw_bytes, part.counters.raw_bytes) == (2, 1)
    assert len({whole.digest, part.digest, call("writes", "b", output="out").digest}) == 3
    with pytest.raises(InputRejected, match="nothing was written to elsewhere"):
        call("writes", "a", output="elsewhere")


def test_a_measured_call_has_the_same_size_and_no_digest(call: Caller) -> None:
    for name, args, digest in (
        ("given", ("é",), ""), ("writes", ("a",), ""), ("lazy", ("5",), ""),
        ("frame", (), "length"), ("writes", ("a",), "length"), ("parts", ("5",), "first"),
    ):  # fmt: skip
        own = {"digest": digest} if digest else {}
        verified, measured = call(name, *args, **own), call(name, *args, probe="peak", **own)
        assert measured.counters == verified.counters
        assert not measured.digest
        assert not measured.detail


def test_what_has_no_digest_says_why(call: Caller) -> None:
    assert call("nothing").detail == "it neither returned nor wrote anything"
    assert "--digest" in call("frame").detail
    assert call("frame", digest="length").digest == call("nothing", digest="length").digest
    assert call("writes", "a", digest="length").digest == call("nothing", digest="length").digest


def test_setup_makes_what_the_callable_gets_and_teardown_gets_it_too(
    call: Caller, tmp_path: Path
) -> None:
    done = call("given", "7", setup="made", teardown="closed")
    assert done.counters.raw_bytes == len(repr((([7, 7],), {})))
    assert (tmp_path / "1" / "work" / "closed").read_text() == "[7, 7]"
    assert call("given", "7", setup="nobody").counters.raw_bytes == len("((7,), {})")


@pytest.mark.parametrize(
    ("name", "args", "reason"),
    [
        ("gone", (), r"has no attribute 'gone' .*cases_of_mine\.py\) — known: Exporter, "),
        ("two", ("1",), "cannot be called so: missing a required argument: 'b'"),
        ("two", ("1", "2", "3"), "too many positional"),
        ("Exporter.method", ("1",), r"missing .*'count' — name it on an object: OBJECT\.method"),
        ("nothin", (), "did you mean 'nothing'"),
        ("number", (), "is of type int, which cannot be called"),
    ],
)
def test_what_cannot_be_called_is_refused(
    call: Caller, name: str, args: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(InputRejected, match=reason):
        call(name, *args)


def test_targets_are_modules_or_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mine.py", "data.csv"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    here = str(tmp_path)
    assert target_of("a.b:c.d") == Target(name="c.d", pipeline="a.b:c.d", path=here)
    assert target_of("mine.py:f") == Target(name="f", pipeline="mine:f", path=here)
    assert load("pickle:dumps") is pickle.dumps  # a module of Python's, and no pickle of ours
    for text, reason in (
        ("a.b", "not name a callable — write a:b, if a is the module"),
        ("mine.py", "not name a callable — write mine.py:function"),
        ("data.csv", "not name a callable — write --input data.csv if"),
        ("1000", "not name a callable — .*; arguments go behind --"),
        (":f", "not name"),
        ("no.py:f", "not exist"),
    ):
        with pytest.raises(ConfigError, match=reason):
            target_of(text)


@pytest.mark.parametrize("spec", [None, ModuleSpec("package.mine", None)])
def test_what_is_run_is_found_as_the_script_or_the_module_that_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None
) -> None:
    main = ModuleType("__main__")
    main.__file__, main.__spec__ = str(tmp_path / "package" / "mine.py"), spec
    exec("def run(): pass", vars(main))  # noqa: S102  as Python runs a script
    monkeypatch.setitem(sys.modules, "__main__", main)
    name, root = (spec.name, tmp_path) if spec else ("mine", tmp_path / "package")
    assert target_of(main.run) == Target(name="run", pipeline=f"{name}:run", path=str(root))


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (["m:old", "m:new"], ["old", "new"]),
        (["old:run", "new:run"], ["old:run", "new:run"]),
        (["a/x.py:run", "b/x.py:run"], ["a/x.py:run", "b/x.py:run"]),
        (["m:old"], ["old"]),
        (["m:old", "m:old"], ["1 m:old", "2 m:old"]),
    ],
)
def test_arms_are_called_by_what_tells_them_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, targets: list[str], names: list[str]
) -> None:
    for directory in ("a", "b"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "x.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert [arm.name for arm in arms_of(targets, Call())] == names


def test_a_callable_is_looked_for_where_the_shell_has_python_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"src{os.pathsep}{os.pathsep}/elsewhere")
    (arm,) = arms_of(["package.mine:run"], Call())
    assert arm.call is not None
    assert arm.call.paths == (str(tmp_path), str(tmp_path / "src"), "/elsewhere")


def test_inputs_are_files_or_all_files_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("b", "a", "deep/c"):
        (tmp_path / "in" / name).write_text(name)
    found = inputs_of([tmp_path / "in"], Call())
    assert [(one.name, one.size_bytes) for one in found] == [("a", 1), ("b", 1), ("deep/c", 6)]
    alike = inputs_of([tmp_path / "in" / "deep", tmp_path / "in" / "deep" / "c"], Call())
    assert [one.name for one in alike] == ["c"]
    (tmp_path / "c").write_text("c")
    alike = inputs_of([tmp_path / "c", tmp_path / "in" / "deep"], Call())
    assert [one.name for one in alike] == [os.path.relpath(one.path) for one in alike]
    (alone,) = inputs_of([], Call(args=("1",)))
    assert (alone.path, alone.size_bytes) == ("", 0)
    assert alone.sha256 != inputs_of([], Call(args=("2",)))[0].sha256
    (tmp_path / "empty").mkdir()
    for path, reason in (("gone", "No such file"), ("empty", "contains no file")):
        with pytest.raises(ConfigError, match=reason):
            inputs_of([tmp_path / path], Call())
