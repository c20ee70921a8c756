"""Which commit a run says it measured, in real checkouts and without any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec import structs

from harness.errors import ConfigError
from harness.records import Arm
from harness.run.manifest import Commit, commit_of, plugin_digests
from harness.run.resume import resume_session
from harness.run.session import run_session
from harness.store import read_manifest
from harness.store.files import files_of
from harness.store.manifest import write_manifest
from harness.tests.commands import git
from harness.tests.run.test_session import ARMS, a_request, real_binary


@pytest.fixture(autouse=True)
def _nobody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "checkout"
    path.mkdir()
    git(path, "init", "--quiet")
    commit(path, "one")
    return path


def commit(path: Path, text: str) -> str:
    (path / "file").write_text(text)
    git(path, "add", "file")
    git(path, "commit", "--quiet", "--message", text)
    return git(path, "rev-parse", "HEAD")


def test_a_checkout_names_its_commit_and_whether_it_was_changed(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    (checkout / "results").mkdir()
    (checkout / "results" / "new").write_text("not tracked")
    assert commit_of("", checkout) == Commit(head, dirty=False)
    (checkout / "file").write_text("changed")
    assert commit_of("", checkout / "results") == Commit(head, dirty=True)


def test_the_checkout_knows_better_than_the_service_that_runs_the_job(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that measures the merge base too has the same GITHUB_SHA in both checkouts."""
    monkeypatch.setenv("GITHUB_SHA", "f" * 40)
    assert commit_of("", checkout).name == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize("path", ["", "/nowhere"], ids=["no git", "git, but no checkout"])
def test_without_a_checkout_the_service_is_asked_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    if not path:
        monkeypatch.setenv("PATH", "/nowhere")
    assert commit_of("", tmp_path) == Commit()
    monkeypatch.setenv("GITHUB_SHA", "f" * 40)
    assert commit_of("", tmp_path) == Commit("f" * 40)


def test_a_checkout_without_commits_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert commit_of("", tmp_path) == Commit()


def test_a_label_wins(checkout: Path) -> None:
    assert commit_of("head", checkout) == Commit("head")


def test_looking_writes_nothing(checkout: Path) -> None:
    os.utime(checkout / "file")
    index = (checkout / ".git" / "index").read_bytes()
    commit_of("", checkout)
    assert (checkout / ".git" / "index").read_bytes() == index


def test_a_run_remembers_its_commit_and_goes_on_at_another_unless_plugins_may_have_changed(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    first = git(checkout, "rev-parse", "HEAD")
    binary = real_binary(tmp_path, "c/dwarf5.so", "lib.so")
    request = a_request(tmp_path, binary, probes=("bare",), sources=("replay",))
    path = run_session(request, lambda _: None)
    manifest = read_manifest(path)
    assert (manifest.commit, manifest.dirty) == (first, False)
    assert files_of(path)["corpus/lib.so"].mode == Path(binary.path).stat().st_mode & 0o777

    commit(checkout, "two")
    resume_session(path, lambda _: None)
    assert read_manifest(path).commit == first
    labelled = a_request(
        tmp_path, binary, probes=("bare",), sources=("replay",), commit="something else"
    )
    with pytest.raises(ConfigError, match=r"the commit differs .* something else, not "):
        resume_session(path, lambda _: None, labelled)

    plugin = Arm(name="streaming", pipeline="harness.tests.run.faulty:raises")
    arms = [ARMS[0], plugin]
    digests = plugin_digests(a_request(tmp_path, binary, arms=arms))
    options = structs.replace(manifest.options, arms=arms)
    for plugins, refused in (
        (digests, "the commit differs"),
        ({plugin.pipeline: "other"}, "other code of .*faulty:raises"),
    ):
        write_manifest(path, structs.replace(manifest, options=options, plugins=plugins))
        with pytest.raises(ConfigError, match=refused):
            resume_session(path, lambda _: None)
