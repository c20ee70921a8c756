"""Try one pipeline over made-up packages under a real probe, as a session would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from harness.intake import COUNT_PATH
from harness.intake.process import Intake, confirm
from harness.limits.backend import Confinement
from harness.model import Package, Scope, package_scope
from harness.records import Counters, Job, Record
from harness.run.executor import Settings, iter_records
from harness.run.extensions import resolve_probes
from harness.run.recording import ListedPackages, write_replay

HONEST = "harness.pipelines.streaming:run"


class Trial:
    """What a few replicates of made-up work need: an intake, packages and probes.

    Attributes:
        traits: Those of the probes, by name.
    """

    def __init__(self, scratch: Path, intake: Intake, probes: tuple[str, ...]) -> None:
        self._scratch, self._intake, self._order = scratch, intake, 0
        self.traits = resolve_probes(probes)
        work = scratch / "work"
        work.mkdir(mode=0o555)
        self._settings = Settings(work=str(work), traits=self.traits)

    def make(self, replay: str, packages: int, functions: int) -> None:
        """Make so many packages of so many functions, to be run over by that name."""
        made = ListedPackages(_iter_packages(packages, functions))
        write_replay(made, self._scratch / replay)

    def run(
        self,
        pipeline: str,
        replay: str,
        probe: str,
        expected: Counters | None = None,
        around: Confinement = Confinement(),  # noqa: B008  immutable
    ) -> Record:
        """Return the record of one replicate, compared with what the intake received."""
        self._order += 1
        job = Job(
            run_id="trial",
            binary=replay,
            binary_path="",
            binary_sha256="",
            arm=pipeline.rpartition(":")[2],
            source="replay",
            probe=probe,
            replicate=0,
            order=self._order,
            pipeline=pipeline,
            probe_target=self.traits[probe].target,
            intake_url=self._intake.url + COUNT_PATH,
            scratch=str(self._scratch / f"{self._order:06d}"),
            replay=str(self._scratch / replay),
            upload_id=f"0b5e55ed-0000-4000-8000-{self._order:012d}",
            hash_seed=1,
            timeout_s=120.0,
        )
        settings = structs.replace(self._settings, confine=lambda _: around)
        if expected is not None:
            settings = structs.replace(settings, expected={job.cell: expected})
        (record,) = iter_records([job], settings)
        return confirm(record, self._intake)


def _iter_packages(packages: int, functions: int) -> Iterator[Package]:
    """Make up packages: their functions are alike, but for their names."""
    for number in range(packages):
        children = (_function(number, index) for index in range(functions))
        yield Package(package_scope(f"example.com/pkg{number}"), "go", children)


def _function(package: int, index: int) -> Scope:
    return Scope(
        scope_type="function",
        name=f"function{package}_{index}",
        source_file=f"/src/pkg{package}/file.go",
        start_line=index,
        end_line=index + 9,
        has_injectible_lines=True,
    )
