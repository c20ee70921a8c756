"""Versions side by side, of a real repository: what each has, what is refused, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.arms.calls import arms_of_versions
from harness.arms.checkouts import Version, checked_out, in_checkout
from harness.errors import HarnessError
from harness.records import Call
from harness.tests.commands import git


class Repository:
    """A repository with two commits, the files as they are, and what was said of it."""

    def __init__(self, top: Path) -> None:
        self.top, self.said = top, list[str]()
        self.git("init", "--quiet", "--initial-branch", "main")
        for text in ("one", "two"):
            self.write("code.py", text)
            self.git("add", ".")
            self.git("commit", "--quiet", "--message", text)

    def write(self, name: str, text: str) -> None:
        path = self.top / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)

    def git(self, *arguments: str, at: str = ".") -> str:
        return git(self.top / at, *arguments)

    def versions(self, names: Sequence[str], install: str = "") -> list[dict[str, str]]:
        """Return the files of each version; nothing of it is left."""
        with checked_out(names, install, Path("results"), self.said.append) as found:
            files = [_files(one) for one in found]
        assert self.git("worktree", "list").count("\n") == 0
        return files


def _files(version: Version) -> dict[str, str]:
    assert version.directory is not None
    return {
        path.relative_to(version.directory).as_posix(): path.read_text()
        for path in version.directory.rglob("*")
        if path.is_file() and path.name != ".git"
    }


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    top = tmp_path / "top"
    top.mkdir()
    monkeypatch.chdir(top)
    for name, value in (("COUNT", "1"), ("KEY_0", "protocol.file.allow"), ("VALUE_0", "always")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    return Repository(top)


def test_a_version_is_a_commit_however_it_is_named(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--detach")
    found = repository.versions(["main~1", "HEAD", "HEAD@{1}"])
    assert [one["code.py"] for one in found] == ["one", "two", "two"]


def test_the_files_as_they_are_have_changes_and_new_files_but_no_results(
    repository: Repository,
) -> None:
    repository.write(".gitignore", "ignored")
    repository.write("code.py", "three")
    for name in ("ignored", "new/file.py", "results/runs/records.jsonl"):
        repository.write(name, "x")
    repository.write("inner/own.py", "own")
    repository.git("init", "--quiet", at="inner")
    (repository.top / "dangling").symlink_to("nowhere")
    (head, now) = repository.versions(["HEAD", "."])
    assert head == {"code.py": "two"}
    assert now == {
        "code.py": "three", ".gitignore": "ignored", "new/file.py": "x", "inner/own.py": "own",
    }  # fmt: skip
    assert (repository.top / "code.py").read_text() == "three"


def test_submodules_are_checked_out_or_missed_aloud(repository: Repository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    Repository(other)
    repository.git("submodule", "--quiet", "add", str(other), "lib")
    repository.git("commit", "--quiet", "--message", "with lib")
    assert repository.versions(["HEAD"])[0]["lib/code.py"] == "two"
    other.rename(tmp_path / "gone")
    assert "lib/code.py" not in repository.versions(["HEAD"])[0]
    assert "HEAD has no submodules: " in repository.said[-1]


def test_a_version_may_stand_beside_itself(repository: Repository) -> None:
    with checked_out(["HEAD", "HEAD"], "", Path("results"), repository.said.append) as found:
        arms = arms_of_versions(found, "code.py:run", Call())
    assert [arm.name for arm in arms] == ["1 HEAD", "2 HEAD"]


@pytest.mark.parametrize(
    ("name", "install", "problem"),
    [
        ("nosuch", "", "git knows no 'nosuch'"),
        ("-x", "", "is not a revision"),
        ("HEAD", "echo broken >&2; exit 3", r"cannot be installed \(exit code 3\): broken — see"),
        ("HEAD", "false", "it said nothing"),
        ("HEAD", "rm $VIRTUAL_ENV/lib/*/site-packages/behind.pth", "cannot be told which memray"),
    ],
)
def test_what_is_no_version_is_refused_and_nothing_is_left(
    repository: Repository, name: str, install: str, problem: str
) -> None:
    with pytest.raises(HarnessError, match=problem):
        repository.versions(["main", name] if not install else [name], install)
    assert repository.git("worktree", "list").count("\n") == 0


def test_nothing_is_left_after_an_interruption(repository: Repository) -> None:

    def interrupted() -> None:
        with checked_out(["main~1", "."], "", Path("results"), repository.said.append) as found:
            assert all(one.directory and one.directory.is_dir() for one in found)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert repository.git("worktree", "list").count("\n") == 0


def test_a_file_is_found_in_a_checkout_from_wherever_one_is(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository.top / "sub").mkdir()
    monkeypatch.chdir(repository.top / "sub")
    with checked_out(["HEAD"], "", Path("results"), repository.said.append) as (version,):
        assert in_checkout(version, Path("../code.py")).read_text() == "two"
        with pytest.raises(HarnessError, match="not in the repository"):
            in_checkout(version, Path("../../code.py"))
