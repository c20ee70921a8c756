"""Go on with a run that was interrupted, if it would still be the same run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Executor
from pathlib import Path

from msgspec import structs

from harness.config import LOCAL
from harness.errors import ConfigError, failing_as
from harness.records import Binary, Manifest
from harness.run.events import Event
from harness.run.fleet import Fleet, open_executor
from harness.run.manifest import Commit, commit_of, conditions_of, options_of
from harness.run.remote import is_url
from harness.run.request import RunRequest, checked
from harness.run.schedule import ALL_THERE, Supply
from harness.run.session import measure_into
from harness.store import RUNNING, RunWriter, read_manifest
from harness.store.manifest import iter_unlike
from harness.store.reader import StoredRecords
from harness.store.seal import describe
from harness.store.writer import UNITS

_REMEDY = "start a new run instead"


def resume_session(
    run_dir: Path,
    on_event: Callable[[Event], None],
    request: RunRequest | None = None,
    supply: Supply = ALL_THERE,
) -> Path:
    """Measure what `run_dir` lacks, and nothing that it has; return it.

    Without a `request`, what was asked for then; other arguments are as for `run_session`. What was
    measured binary by binary on an executor goes on so, in this process.

    Raises:
        ConfigError: Binaries, options or rig are not what they were.
        StoreError: It is no run directory, is damaged, or is being written.
    """
    manifest = read_manifest(run_dir)
    wanted = checked(request) if request else request_from(run_dir, manifest)
    if is_of_units(run_dir):
        with open_executor(LOCAL) as units:
            return resume_on(run_dir, on_event, wanted, units)
    _refuse_change(manifest, wanted)
    with RunWriter.reopen(run_dir) as writer:
        past = list(StoredRecords(run_dir, []))
        writer.update_manifest(state=RUNNING)
        measure_into(writer, wanted, on_event, supply, past)
    return run_dir


def resume_on(
    run_dir: Path, on_event: Callable[[Event], None], request: RunRequest, executor: Executor
) -> Path:
    """Go on with a run on an executor: every binary that is not whole is measured again, whole.

    Raises:
        ConfigError: Binaries, options or rig are not what they were, or no executor was used.
    """
    wanted = checked(request)
    if not is_of_units(run_dir):
        raise ConfigError(
            f"{run_dir} was not measured on an executor", remedy="resume it without --executor"
        )
    _refuse_change(read_manifest(run_dir), wanted)
    with RunWriter.reopen(run_dir) as writer:
        writer.update_manifest(state=RUNNING)
        Fleet(writer, wanted, on_event, executor).run(writer.whole_units())
    return run_dir


def is_of_units(run_dir: Path) -> bool:
    """Tell whether a run was measured binary by binary on an executor."""
    return (run_dir / UNITS).exists()


def request_from(run_dir: Path, manifest: Manifest) -> RunRequest:
    """Return the request that a manifest records."""
    return RunRequest(
        **structs.asdict(manifest.options), binaries=manifest.corpus, results=run_dir.parent
    )


def _refuse_change(manifest: Manifest, wanted: RunRequest) -> None:
    now, then = structs.asdict(options_of(wanted)), structs.asdict(manifest.options)
    changed = sorted(name for name in now if now[name] != then[name])
    if changed:
        raise ConfigError(
            f"the options differ from those the run began with: {', '.join(changed)}",
            remedy=f"repeat the first command, {manifest.command}, with --resume",
        )
    if wanted.binaries != manifest.corpus:
        raise ConfigError("the binaries differ from those the run began with", remedy=_REMEDY)
    for binary in (one for one in wanted.binaries if not is_url(one.path)):
        _refuse_other_content(binary)
    found = conditions_of(wanted)
    if reasons := list(iter_unlike(manifest, found, same_rig=True)):
        raise ConfigError(f"what measures has changed: {'; '.join(reasons)}", remedy=_REMEDY)
    _refuse_other_commit(manifest, wanted, found.plugins)


def _refuse_other_commit(manifest: Manifest, wanted: RunRequest, plugins: Collection[str]) -> None:
    """Refuse another commit where it may mean other code.

    Digests say more than a commit does, and have been compared: a commit of the documentation is no
    reason to measure again. That of a plugin covers its own package, but not what this imports from
    elsewhere. A label of the user's own that contradicts the first is refused in any case.
    """
    then = Commit(manifest.commit, manifest.dirty)
    now = commit_of(wanted.commit, Path.cwd())
    if now != then and (wanted.commit or plugins):
        was, found = then.name or "none", now.name or "none"
        raise ConfigError(
            f"the commit differs from the one the run began at: {found}, not {was}", remedy=_REMEDY
        )


def _refuse_other_content(binary: Binary) -> None:
    with failing_as(ConfigError, binary.path, _REMEDY):
        found = describe(Path(binary.path))
    if found.sha256 != binary.sha256:
        raise ConfigError(f"{binary.path} has changed since the start", remedy=_REMEDY)
