"""Everything that is stored of a run, and what crosses process borders: each declared once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct

from harness.config import DEFAULTS, TOP_UP, LimitOptions, PipelineOptions, SymbolOptions

VERIFY = "verify"
"""The probe of the unmeasured runs that show what each arm delivers."""

CALL = "call"
"""The source of what has no packages: a callable, which takes what it needs."""

TEST = "test"
"""The source of the body of a test, which pytest sets up."""

ON_DISK = "-disk"
"""What is added to the name of an arm for the same with the disk sink."""

DIFFERENT = "the arms delivered different scopes"
DIFFERENT_CALLS = "the two returned or wrote something different"
"""Why no memory verdict counts, of uploads and of callables."""

OTHER = "other"
STAGES = ("extraction", "scope tree", "JSON", "gzip", "multipart", "HTTP", OTHER)


class Metric(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of a metric, declared once, by the probe that measures it.

    Attributes:
        name: The definition of the quantity; another definition gets another name.
        unit: `byte`, `second` or `count`.
        better: `less` or `more`.
        exact: Replicates of one process on one rig agree to the last digit.
        zero_allowed: Zero is a possible value; elsewhere it is a failed measurement.
        portable: Values mean the same on every machine of one architecture.
        instrument: The distribution whose version the values depend on, if any.
        erratic_above: The coefficient of variation above which noise hides any change.
        compared: It is compared when no metric is asked for by name, and stands in tables beside
            the peaks. Others of our probes are told on the page and in exports only.
        alone: It means nothing unless the process had the machine to itself.
        peak_rank: 1 for the best definition of peak heap, 2 for the next; 0 for other quantities.
        complete: It counts all that became resident; RSS that rose far above it contradicts it.
        grain: How far apart the values are that were tried; two that are one apart may be the same.
    """

    name: str
    unit: str
    better: str = "less"
    exact: bool = False
    zero_allowed: bool = False
    portable: bool = False
    instrument: str = ""
    erratic_above: float = 0.10
    compared: bool = True
    alone: bool = False
    peak_rank: int = 0
    complete: bool = False
    grain: int = 0


class Cost(Struct, frozen=True, kw_only=True):
    """What a probe costs, declared beside its metrics.

    Attributes:
        slowdown: Run time with the probe over run time without it.
        replicates: How often a cell is measured by default, by source: one number each for tiny,
            small, medium and large binaries. 0 leaves the cell out.
        paired: The sources over which the arms of a replicate run side by side, unless replicates
            are asked for, and metrics that need the machine to themselves are left out.
    """

    slowdown: float = 1.0
    replicates: dict[str, tuple[int, int, int, int]] = {}
    paired: tuple[str, ...] = ()


class Batch(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One flushed batch, as the pipeline claims it.

    `raw_bytes` is the JSON envelope before compression; `payload_bytes` what the threshold is
    tested against; `overshoot_bytes` is payload minus threshold, negative when the batch was
    flushed early (a final one). `at_s` is seconds since the probe started.
    """

    batch_num: int
    scopes: int
    functions: int
    raw_bytes: int
    payload_bytes: int
    threshold_bytes: int
    overshoot_bytes: int
    final: bool
    at_s: float = 0.0


class Collection(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One run of the cyclic garbage collector."""

    generation: int
    start_s: float
    duration_s: float
    heap_before_bytes: int
    heap_after_bytes: int
    collected: int
    uncollectable: int


class HeapPoint(Struct, forbid_unknown_fields=True, frozen=True):
    """Live heap at one moment since the probe started.

    `generation` is that of a garbage collection which began then; -1 at any other moment.
    """

    at_s: float
    heap_bytes: int
    generation: int = -1


class Holding(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What one source line holds at the peak; the holdings of a replicate sum to its peak heap.

    `stage` is one of `STAGES`, one that a plugin declares, or where a callable was measured the
    `module.function` of its code; `location` is `file:line function`, `code` what stands there.
    """

    stage: str
    location: str
    size_bytes: int
    code: str = ""


class Counters(Struct, forbid_unknown_fields=True, kw_only=True):
    """Work done by one pipeline run. Arms that did the same agree on `scopes` and `functions`.

    `packages` counts a package once, in however many parts it travels: a continuation is none.
    `scopes` counts direct children of packages; `raw_bytes` and `payload_bytes` sum over batches.
    `dropped` counts children that the receiver refused as too large even alone.
    """

    packages: int = 0
    scopes: int = 0
    functions: int = 0
    batches: int = 0
    raw_bytes: int = 0
    payload_bytes: int = 0
    dropped: int = 0

    def add(self, batch: Batch, packages: int) -> None:
        """Add an accepted batch, in which so many packages began."""
        self.packages += packages
        self.scopes += batch.scopes
        self.functions += batch.functions
        self.batches += 1
        self.raw_bytes += batch.raw_bytes
        self.payload_bytes += batch.payload_bytes


Cell = tuple[str, str, str]
"""Binary, source and arm."""


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a callable that is no pipeline is called, and in which Python.

    Attributes:
        args: What it gets after its input: literals of Python where they are any, else text;
            `NAME=VALUE` goes by keyword.
        pickled: A file with its positional and keyword arguments, in place of `args`.
        setup: `module:attribute`, called with the same arguments before the measurement; what it
            returns, unless None, is the only argument of the callable.
        teardown: Likewise, called with what the callable got after the measurement.
        digest: Likewise, called with what the callable returned; what it returns is compared.
        output: What of its directory it is compared by; empty for all that it wrote there.
        paths: Where modules are looked for first.
        roots: Where the code lies whose lines are told: directories, and installed packages.
        python: The interpreter; empty for this one.
        commit: The code it runs, as far as that is known.
    """

    args: tuple[str, ...] = ()
    pickled: str = ""
    setup: str = ""
    teardown: str = ""
    digest: str = ""
    output: str = ""
    paths: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    python: str = ""
    commit: str = ""


class Job(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One replicate: one binary, one arm, one source, one probe, in one fresh process.

    `pipeline` and `probe_target` are `module:attribute`, resolved by the parent so that no
    worker has to discover plugins. `replay` is the package cache for source `replay`.
    `upload_id` is in every payload, so it is the same for all replicates that must agree to the
    byte. With a `call`, `pipeline` is any callable and the binary its input. `share` is how much of
    a replay is read, by size; the rest is as if it were not there. A `paired` job runs beside the
    same replicate of the other arms. Its environment is `padding_bytes` longer than it has to be:
    where the stack begins, and with it the resident set, depends on that length. The arm of a job
    `aside` is compared with none: its peak is shown, and nothing else.
    """

    run_id: str
    binary: str
    binary_path: str
    binary_sha256: str
    arm: str
    source: str
    probe: str
    replicate: int
    order: int
    pipeline: str
    probe_target: str
    intake_url: str
    scratch: str
    replay: str = ""
    share: float = 1.0
    paired: bool = False
    aside: bool = False
    upload_id: str = ""
    hash_seed: int = 0
    padding_bytes: int = 0
    timeout_s: float = DEFAULTS.timeout_s
    pipeline_options: PipelineOptions = PipelineOptions()
    symbol_options: SymbolOptions = SymbolOptions()
    call: Call | None = None

    @property
    def cell(self) -> Cell:
        """Binary, source and arm."""
        return self.binary, self.source, self.arm


class Attempt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a process under a memory limit.

    `backend` is what limited it, `outcome` is `survived`, `killed`, `thrashed` or `failed`;
    `peak_bytes` is what was charged at most, None where the limit tells no peak; `wall_s` how long
    the process lived, its start included. A `limit_bytes` of 0 was no limit: a cgroup that only
    looked.
    """

    backend: str
    limit_bytes: int
    outcome: str
    peak_bytes: int | None = None
    wall_s: float | None = None


class Record(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one replicate returned, and one line of `records.jsonl`.

    Only status `ok` counts as a measurement; `detail` says why another one does not. `values` are
    by the name of the metric, in the unit that its probe declares. `counters`, `skipped`,
    `language` and `digest` are known of verification runs: two arms delivered the same scopes when
    their digests are equal, and `skipped` counts, by reason, what the source left out. Where the
    first replicate of a cell was posted to be verified, that is a record beside its own. A delivery
    that an earlier run verified names that run in `verified_by`. Where addresses were `randomised`,
    because the system refused to do without, exact peaks may vary. `rig` says which of the
    manifest's `rigs` it was measured on, where these are several. An `attempt` under a
    memory limit is kept whatever its status; numbers of a failure are not.
    """

    job: Job
    status: str
    detail: str = ""
    values: dict[str, float] = {}
    batches: list[Batch] = []
    collections: list[Collection] = []
    timeline: list[HeapPoint] = []
    holdings: list[Holding] = []
    counters: Counters | None = None
    skipped: dict[str, int] = {}
    language: str = ""
    digest: str = ""
    verified_by: str = ""
    randomised: bool = False
    rig: str = ""
    attempt: Attempt | None = None


class Binary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input. `name` identifies it in every table; `extra` is kept as it is.

    With a `share` below 1 only that part of its packages is measured, from source `replay` alone.
    Where `sources` are named, it is measured from no other.
    """

    name: str
    path: str
    sha256: str
    size_bytes: int
    share: float = 1.0
    sources: tuple[str, ...] = ()
    extra: dict[str, Any] = {}

    def measured_from(self, sources: Iterable[str]) -> list[str]:
        """Return those of the sources that it is measured from."""
        possible = [source for source in sources if not self.sources or source in self.sources]
        return [source for source in possible if source == "replay" or self.share == 1.0]


class Arm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side of the comparison: a name and the pipeline behind it, as `module:attribute`.

    With a `call`, that is any callable.
    """

    name: str
    pipeline: str
    options: PipelineOptions | None = None
    call: Call | None = None

    @property
    def code(self) -> tuple[str, Call | None]:
        """What is run, whatever its options."""
        return self.pipeline, self.call


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every option of a run that has a bearing on a number.

    `replicates` overrides the cost model for the probes it names. Cells of an exact metric whose
    replicates disagree are measured again until they have `top_up` of them. `seed` decides which
    arm comes first where, and every hash seed. `env` is set in every measured process.
    `suite` is the one whose needs a run meets. Where there are `memory_limits`, the arms are also
    tried under limits of the kernel. Of the arms `aside` nothing is measured but the peak from
    source replay.
    """

    arms: list[Arm] = []
    aside: list[Arm] = []
    probes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    replicates: dict[str, int] = {}
    top_up: int = TOP_UP
    seed: int = DEFAULTS.seed
    timeout_s: float = DEFAULTS.timeout_s
    address_space_bytes: int = 0
    env: dict[str, str] = {}
    pipeline_options: PipelineOptions = PipelineOptions()
    symbol_options: SymbolOptions = SymbolOptions()
    suite: str = ""
    memory_limits: LimitOptions | None = None


class Overhead(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One probe against no probe, over the `cells` that were measured with both.

    `cpu_factor` is CPU time with it over CPU time without, both summed over the cells; CPU and not
    wall time, because probes share the machine. `rss_bytes` is the mean rise of max RSS.
    """

    cpu_factor: float
    rss_bytes: float
    cells: int


class FlamePage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flame graph of one arm at its peak, or of two and the difference between their peaks."""

    binary: str
    source: str
    arms: list[str]
    path: str


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """What a run was asked for, on what, with what, and how it ended.

    `commit` is that of the checkout in which it ran, empty when it was none; `dirty` says whether
    that had changes of its own, null when nobody knows. `rig_fingerprint` digests `rig` and other
    people's `versions`, `code_sha256` the code of the harness that is measured. `options` and
    `corpus` are what was asked for; `not_measured` says in words what was left out, `warnings` what
    to beware of. By binary, `modes` are permission bits; by probe, `overhead` is what it costs and
    `metrics` are what it declares; a run from before that has those of the built-in probes.
    `flame` lists flame graphs, `pooled` the runs whose replicates these are, which were so many
    `shards` of a corpus; `shard` is `3/40` for a part of one, and `shard_of` digests
    all of it. Where it was measured on several
    machines, `rigs` are those by fingerprint, and `rig` is what they have in common. `plugins` are
    digests of measured code that is not ours, by where it is. `promoted`
    marks a baseline, which nobody reads without its seal. `finished_at` and
    `elapsed_s` are there once it ended.
    """

    format: int = 0
    run_id: str = ""
    started_at: str = ""
    state: Literal["", "running", "complete", "interrupted"] = ""
    kind: str = "run"
    command: str = ""
    commit: str = ""
    dirty: bool | None = None
    versions: dict[str, str] = {}
    rig: dict[str, str | int] = {}
    rig_fingerprint: str = ""
    code_sha256: str = ""
    options: Options = Options()
    corpus: list[Binary] = []
    not_measured: list[str] = []
    warnings: list[str] = []
    modes: dict[str, int] = {}
    overhead: dict[str, Overhead] = {}
    metrics: dict[str, tuple[Metric, ...]] = {}
    flame: list[FlamePage] = []
    pooled: list[str] = []
    shard: str = ""
    shard_of: str = ""
    shards: int = 1
    rigs: dict[str, dict[str, str | int]] = {}
    plugins: dict[str, str] = {}
    promoted: bool = False
    finished_at: str = ""
    elapsed_s: float | None = None

    @property
    def unfinished(self) -> str:
        """Why this is no whole run; empty for one that reached its end."""
        complete = self.state == "complete"
        return (
            "" if complete else f"the run did not reach its end (state: {self.state or 'unknown'})"
        )

    @cached_property
    def paths(self) -> dict[str, str]:
        """Where each binary was, by its name: of thousands nobody looks for one in a list."""
        return {one.name: one.path for one in self.corpus}


class StoredFile(Struct, frozen=True, kw_only=True):
    """One file; mode None and an empty digest when they are not known or mean nothing."""

    size_bytes: int
    mode: int | None = None
    sha256: str = ""
