"""Every option and every default, each declared once.

The fields of these structs are where an option's name, type, bounds, default and description stand.
Options of the command line, keys of a suite, and what a process is told are made from them, so a
changed default here is what every command uses. The structs cross process borders as plain values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
MOST_BYTES = 1 << 62  # 4 EiB: tables and the kernel hold sizes in 64 bits, with a sign

Source = Literal["dwarf", "replay"]
Tier = Literal["default", "small", "large"]


def _choice(choices: str, description: str) -> Meta:
    """Describe a field that is one of these `choices`, or holds several; `|` separates them."""
    return Meta(description=description, extra={"choices": tuple(choices.split("|"))})


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a reader follows its input before it says that the input is not sane.

    `dies` counts units and the entries that extraction decodes on its first walk over them: types,
    functions, inlined instances, variables of Go. `line_rows` and `inflated_bytes` count over the
    whole file, `list_entries` in one list of ranges or locations. A string is cut at `string_bytes`
    and the type of a symbol in C, C++ and Rust at `type_name_chars`; symbols are left out once the
    names and types of one scope below its package come to `scope_chars`. These three are counted
    among what was skipped; every other limit ends the extraction. `output_bytes` is about what all
    scopes take as JSON: names that entries share are written once for each of them. `cpu_s` is
    spent by extraction alone: while a batch is made or sent, its clock stands still.
    """

    inflated_bytes: int = 8 * GIB
    dies: int = 200_000_000
    depth: int = 256
    string_bytes: int = 64 * KIB
    type_name_chars: int = 16 * KIB
    scope_chars: int = 4 * MIB
    line_rows: int = 50_000_000
    list_entries: int = 100_000
    output_bytes: int = 4 * GIB
    cpu_s: float = 900.0


class SymbolOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to extract.

    `inlines` says which package reports an inlined Go function: `unit`, that of the unit which
    holds the definition, from that unit's instances (as the reference output has it), or `index`,
    the function's own, from all instances, and without lines of what is inlined into it. Without
    `single_pass`, C, C++ and Rust take a pass over all units first, for what instances say about
    functions of other units: after link-time optimisation, that is all there is to say about where
    functions are. A measured process has a working directory of its own: `debug_dirs` are absolute.
    """

    scope: Annotated[
        str,
        _choice(
            "all|main|org", "Everything, the main module only, or everything of its organisation."
        ),
    ] = "all"
    locations: Annotated[
        str,
        _choice(
            "strict|any",
            "Which variable locations count as available: only plain registers and memory, or any.",
        ),
    ] = "strict"
    inlines: str = "unit"
    single_pass: Annotated[
        bool, Meta(description="Drop, and count, what only a pass over all units can attribute.")
    ] = False
    agent_version: Annotated[str, Meta(description="Agent version to report.")] = ""
    debug_dirs: Annotated[
        tuple[str, ...],
        Meta(
            description="Also look for debug files here, before /usr/lib/debug; can be repeated.",
            extra={"metavar": "DIRECTORY"},
        ),
    ] = ()
    limits: Annotated[
        Limits,
        Meta(
            description="Change a limit of extraction, for example cpu_s=60 or "
            "inflated_bytes=1GiB; can be repeated. "
            f"Known: {', '.join(Limits.__struct_fields__)}."
        ),
    ] = Limits()


class PipelineOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a pipeline batches and encodes. A pipeline ignores what is not its own.

    All arms of a run share one of these: `hard_limit` changes streaming and leaves legacy, which
    has no threshold to keep, as it is. Where there is one pipeline only, `harness upload` refuses
    what it would ignore there. `threshold_bytes` <= 0 flushes after every package scope, with
    `hard_limit` after every child.
    """

    encoder: Annotated[str, _choice("msgspec|orjson|json", "JSON encoder.")] = "msgspec"
    compressor: Annotated[
        str, _choice("zlib|zlib-ng|isal", "Compressor; zlib-ng and isal are extras.")
    ] = "zlib"
    level: int = 6
    threshold_bytes: Annotated[
        int,
        Meta(
            description="Flush when the compressed request body reaches this size; "
            "0 flushes after every package (streaming)."
        ),
    ] = 2 * MIB
    function_limit: Annotated[
        int, Meta(ge=1, description="Flush after this many functions (legacy).")
    ] = 10_000
    sync_flush: Annotated[
        str,
        _choice("none|package|scope", "Flush the compressor after each of these (streaming)."),
    ] = "none"
    sink: Annotated[
        str, _choice("memory|disk", "Where a batch is collected until it is sent (streaming).")
    ] = "memory"
    hard_limit: Annotated[
        bool,
        Meta(
            description="Never exceed the threshold with more than one scope: packages are split "
            "across batches, and every part after the first is marked as a continuation "
            "(streaming; legacy has no threshold)."
        ),
    ] = False
    legacy_escaping: Annotated[
        str,
        _choice(
            "json|faithful",
            "faithful: put names into the legacy envelope unescaped, as the original did.",
        ),
    ] = "json"


# What a run and a suite may set; the level follows the compressor, and names are always escaped.
MEASURED_OPTIONS = ("threshold_bytes", "function_limit", "encoder", "compressor", "sync_flush",
                    "hard_limit", "sink")  # fmt: skip


class UploadOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where batches go, and in whose name."""

    url: Annotated[str, Meta(description="Where batches are posted to, path included.")]
    service: Annotated[str, Meta(description="Name of the service.")] = "harness"
    version: Annotated[str, Meta(description="Version of the service.")] = "0"
    language: str = "go"
    runtime_id: Annotated[str, Meta(description="Runtime id to report.")] = ""
    upload_id: Annotated[str, Meta(description="Upload id. Default: a new one.")] = ""
    timeout_s: Annotated[
        float,
        Meta(ge=0.001, description="Seconds for one request, from name lookup to the last byte."),
    ] = 60.0


_TOTAL_S = 300.0


class RetryOptions(Struct, frozen=True, kw_only=True):
    """How long a failing upload is tried again.

    Waits are drawn from 0 to `base_s` doubled with every attempt, up to `wait_s_max`: full jitter
    keeps clients that failed together from coming back together. Nothing new is tried once
    `attempts` are used up or the next wait would end after `total_s`, and no attempt goes on after
    that either: the last one may have less than a request's timeout left.
    """

    attempts: Annotated[
        int,
        Meta(
            ge=1,
            description="Requests for one batch, at most. All of them and the pauses between them "
            f"have {_TOTAL_S:.0f} seconds, or --timeout if that is longer.",
        ),
    ] = 6
    base_s: float = 0.5
    wait_s_max: float = 30.0
    total_s: float = _TOTAL_S


class IntakeOptions(Struct, frozen=True, kw_only=True):
    """Where the intake listens."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port; 0 picks a free one.")] = 0


class RunOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run measures and where it is kept."""

    sources: Annotated[
        tuple[str, ...],
        _choice(
            "dwarf|replay",
            "dwarf: extraction and pipeline together, as in production. "
            "replay: the pipeline alone, fed from a package cache.",
        ),
    ] = ("dwarf", "replay")
    arms: Annotated[
        tuple[str, ...],
        Meta(
            description="A pipeline to run: a registered one, or NAME=module:attribute of your "
            "own, imported from where you are; NAME=path/file.py:function too. Can be repeated."
        ),
    ] = ("legacy", "streaming")
    probes: Annotated[tuple[str, ...], Meta(description="An instrument; can be repeated.")] = (
        "peak",
        "memray",
        "tracemalloc",
        "gc",
        "bare",
    )
    replicates: Annotated[
        int | None,
        Meta(
            ge=1,
            description="Fresh processes per arm, source and probe. Default: as many as "
            "each instrument allows for a binary of that size.",
        ),
    ] = None
    seed: Annotated[int, Meta(description="Seed of the order and of Python's hash seeds.")] = 1
    timeout_s: Annotated[float, Meta(ge=1, description="Seconds for one process.")] = 900.0
    env: Annotated[
        tuple[str, ...],
        Meta(
            description="Set a variable for the measured processes; can be repeated.",
            extra={"metavar": "NAME=VALUE"},
        ),
    ] = ()
    flame: Annotated[
        bool,
        Meta(
            description="Keep memray's captures, and draw flame graphs of both peaks and of their "
            "difference into flame/ of the run (5 MB a page)."
        ),
    ] = False
    fresh: Annotated[
        bool,
        Meta(description="Extract and verify again what earlier runs with the same code have."),
    ] = False
    results: Annotated[Path, Meta(description="Where runs are kept.")] = Path("results/runs")
    commit: Annotated[
        str,
        Meta(
            description="Name of the code under test. Default: the commit of the checkout.",
            extra={"metavar": "LABEL"},
        ),
    ] = ""


class ScalingOptions(Struct, frozen=True, kw_only=True):
    """What a line is drawn over, and how many inputs one file makes."""

    size: Annotated[str, _choice("functions|dies|json", "What size is measured in.")] = "functions"
    sizes: Annotated[
        int, Meta(ge=3, description="Inputs made of one ELF file: even prefixes and the whole.")
    ] = 5


class SweepOptions(Struct, frozen=True, kw_only=True):
    """What is asked of a sweep: a budget of peak heap, or a limit of memory."""

    budget: Annotated[
        str | None,
        Meta(
            description="Report the largest threshold whose peak heap stays within; written "
            "container:SIZE, the largest that survives when the kernel limits memory to that.",
            extra={"metavar": "SIZE"},
        ),
    ] = None


class LimitOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How memory limits are searched, over which of a run's binaries and sources.

    With `under_bytes`, only these limits are tried, each `replicates` times. Only the `smallest` so
    many binaries are tried, and only these `sources`; 0 and none mean all.
    """

    grain_bytes: Annotated[
        int, Meta(ge=4 * KIB, description="Precision of the limits that are found.")
    ] = MIB
    replicates: Annotated[
        int, Meta(ge=1, description="How often each side of the edge is tried.")
    ] = 3
    backend: Annotated[
        str,
        _choice("auto|cgroup_v2|cgroup_v1|rlimit_data", "What limits; auto: the best there is."),
    ] = "auto"
    under_bytes: Annotated[
        tuple[int, ...],
        Meta(
            description="Try this limit alone, once; exit code 3 if the last arm does not survive "
            "it."
        ),
    ] = ()
    smallest: int = 0
    sources: tuple[str, ...] = ()


class Claim(Struct, frozen=True):
    """The claim under test: so much less peak heap, and so little overshoot past the threshold.

    The defaults are the claim that came with the streaming encoder.
    """

    reduction_pct: float = 61.0
    overshoot_bytes: int = 32 * KIB


DEFAULTS = RunOptions()

# Replicates of an exact metric that disagree are measured again until there are so many; and how
# many processes whose values do not depend on what else the machine does may share it.
TOP_UP, SLOTS = 5, 2

# Where binaries to measure are looked for, which pinned ones are fetched, a promoted run to
# compare with, and where pictures of many runs go.
CORPUS = Path("corpus")
TIER: Tier = "default"
BASELINE = Path("results/baseline")
HISTORY = Path("results/history")

# The change of a metric that matters, wherever two runs or two arms are compared.
TOLERANCE_PCT = 5.0

# The suite that judges a run which was made for none.
SUITE = "default"

# One pipeline where only one is asked for.
ONE_PIPELINE = "streaming"

# Who measures where no executor is named, and how often a suite measures each of two versions.
LOCAL = "local"
ROUNDS = 2

# What an experiment of a suite measures unless the suite says otherwise.
EXPERIMENT_SOURCES: tuple[Source, ...] = ("dwarf",)
EXPERIMENT_REPLICATES = 2

# A sweep and a scaling run measure the pipeline alone, once: what they look at repeats.
SWEEP = RunOptions(sources=("replay",), arms=(ONE_PIPELINE,), probes=("peak", "bare"), replicates=1)
# Of a user's own callables: what they hold, where, and how long they take.
AB = RunOptions(probes=("peak", "memray", "bare"))
LIMIT = RunOptions(sources=("replay",), probes=("peak", "bare"), replicates=1)

# What a run tries besides when nobody chose its probes or sources: the smallest binaries, where a
# limit costs seconds, each side of an edge once.
RUN_LIMITS = LimitOptions(replicates=1, smallest=6, sources=("replay",))
SCALING = RunOptions(sources=("replay",), probes=("peak",), replicates=1)

# The thresholds of a sweep: 64 KiB to 8 MiB.
THRESHOLDS = tuple(64 * KIB << power for power in range(8))

# A small input has to reach the threshold too: until then the batch itself grows.
SCALING_PIPELINE = PipelineOptions(threshold_bytes=64 * KIB)


def flag_of(field: str) -> str:
    """Return the option of the command line for a field: `--threshold` for `threshold_bytes`."""
    return "--" + field.removesuffix("_bytes").removesuffix("_s").replace("_", "-")
