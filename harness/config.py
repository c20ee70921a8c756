"""Options as plain values: what a job was asked to do, in a form that crosses process borders."""

from __future__ import annotations

from msgspec import Struct

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

DEFAULT_THRESHOLD_BYTES = 2 * MIB
DEFAULT_FUNCTION_LIMIT = 10_000


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a reader follows its input before it says that the input is not sane.

    `dies` counts units and the entries that extraction decodes on its first walk over them: types,
    functions, inlined instances, variables of Go. `line_rows` and `inflated_bytes` count over the
    whole file, `list_entries` in one list of ranges or locations. A string is cut at `string_bytes`
    and the type of a symbol in C, C++ and Rust at `type_name_chars`; symbols are left out once the
    names and types of one scope below its package come to `scope_chars`. These three are counted
    among what was skipped; every other limit ends the extraction. `wall_s` is spent by extraction
    alone: while a batch is made or sent, its clock stands still.
    """

    inflated_bytes: int = 8 * GIB
    dies: int = 200_000_000
    depth: int = 256
    string_bytes: int = 64 * KIB
    type_name_chars: int = 16 * KIB
    scope_chars: int = 4 * MIB
    line_rows: int = 50_000_000
    list_entries: int = 100_000
    wall_s: float = 900.0


class SymbolOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to extract.

    `scope` is `all`, `main` (main module only) or `org` (same organisation). `locations` is
    `strict` (only plain registers and memory count as available) or `any`. `inlines` says which
    package reports an inlined Go function: `unit`, that of the unit which holds the definition,
    from that unit's instances (as the reference output has it), or `index`, the function's own,
    from all instances. `single_pass` spares C, C++ and Rust a pass over all units: what instances
    say about functions of other units is then counted and dropped. After link-time optimisation
    that is all there is to say about where functions are.
    """

    scope: str = "all"
    locations: str = "strict"
    inlines: str = "unit"
    single_pass: bool = False
    agent_version: str = ""
    limits: Limits = Limits()


class PipelineOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a pipeline batches and encodes. A pipeline ignores what is not its own.

    All arms of a run share one of these: `hard_limit` changes streaming and leaves legacy, which
    has no threshold to keep, as it is. Where there is one pipeline only, `harness upload` refuses
    what it would ignore there. `threshold_bytes` <= 0 flushes after every package scope, with
    `hard_limit` after every child. `function_limit` is the legacy pipeline's.
    `sync_flush` is `none`, `package` or `scope`; `sink` is `memory` or `disk`.
    """

    encoder: str = "msgspec"
    compressor: str = "zlib"
    level: int = 6
    threshold_bytes: int = DEFAULT_THRESHOLD_BYTES
    function_limit: int = DEFAULT_FUNCTION_LIMIT
    sync_flush: str = "none"
    sink: str = "memory"
    hard_limit: bool = False
    legacy_escaping: str = "json"


class UploadOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where batches go, and in whose name."""

    url: str
    service: str = "harness"
    version: str = "0"
    language: str = "go"
    runtime_id: str = ""
    upload_id: str = ""
    timeout_s: float = 60.0
