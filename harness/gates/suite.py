"""A suite: which experiments are run, what is expected of each, and which of them guard a job."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    create_model,
    model_validator,
)

from harness.config import (
    DEFAULTS,
    EXPERIMENT_REPLICATES,
    EXPERIMENT_SOURCES,
    MEASURED_OPTIONS,
    ONE_PIPELINE,
    TOLERANCE_PCT,
    PipelineOptions,
    Source,
)
from harness.errors import ConfigError
from harness.stats.check import Link
from harness.stats.metrics import CAPTURED, COPIES, DERIVED, REDUCTION
from harness.text import repeated
from harness.toml import Name, reading
from harness.units import parse_bytes

SURVIVES = "survives"
"""The check of a memory limit under which everything still has to be delivered."""

PEAK = "heap_peak"


def _number(value: Any) -> Any:
    """Read "2 MiB" as bytes; whatever else is written is left to pydantic."""
    if not isinstance(value, str):
        return value
    try:
        return parse_bytes(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _one_or_more(item: Any) -> BeforeValidator:
    """Return what lets one `item` stand for a list of it, and says so in the JSON Schema."""
    listed = Annotated[tuple[item, ...], Field(min_length=1)]
    return BeforeValidator(_several, json_schema_input_type=item | listed)


_SIZE = BeforeValidator(_number, json_schema_input_type=float | str)
_Quantity = Annotated[float, _SIZE, Field(allow_inf_nan=False)]
_NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Names = Annotated[tuple[str, ...], _one_or_more(str), Field(min_length=1)]
_Metrics = Annotated[
    tuple[str, ...], BeforeValidator(_several, json_schema_input_type=str | tuple[str, ...])
]
_Sources = Annotated[tuple[Source, ...], _one_or_more(Source), Field(min_length=1)]


class _SuiteTable(BaseModel):
    """A table of a suite: immutable, and nothing in it goes unread."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Bounds(_SuiteTable):
    """What a series must keep to; without a literal bound, to the one that was ratcheted."""

    series: str
    upper_bound: _Quantity | None = None
    lower_bound: _Quantity | None = None

    @property
    def ratcheted(self) -> bool:
        """Whether the bound is kept beside the promoted baseline."""
        return self.upper_bound is None and self.lower_bound is None


class BoundsCheck(_SuiteTable):
    """One bounds check of an experiment."""

    name: Name
    bounds: Bounds


class SlopeBound(_SuiteTable):
    """How much the peak may grow for one more `per` of input: a streaming pipeline's does not."""

    per: Literal["functions", "scopes"] = "functions"
    upper_bound: _Quantity


class ReportLink(_SuiteTable):
    """Where a reader finds more."""

    text: str
    link: Annotated[str, Field(pattern=r"^https?://[^\s<>\"`|]+$")]


class Experiment(_SuiteTable):
    """What is measured of one arm over some binaries, and what is expected.

    `binary` holds names or patterns (`*`, `cpp-*`) over the suite's corpus. `against` is the arm
    that series `reduction_pct` compares with. `optimization_goal` names the metrics of which less
    is better; with none, nothing is compared with the baseline. `copies` bounds how many whole
    copies of the payload are alive at the peak, `overshoot` how far a batch goes past the
    threshold; under a memory limit of `survives`, each of so many attempts as there are replicates
    has to deliver everything. With `gate`, what fails here fails the job.
    """

    name: Name
    binary: _Names = ("*",)
    source: _Sources = EXPERIMENT_SOURCES
    arm: _Names = (ONE_PIPELINE,)
    against: str = ""
    optimization_goal: _Metrics = (PEAK,)
    erratic: bool = False
    replicates: PositiveInt = EXPERIMENT_REPLICATES
    tolerance: _NotNegative = TOLERANCE_PCT
    checks: tuple[BoundsCheck, ...] = ()
    slope: SlopeBound | None = None
    copies: _NotNegative | None = None
    overshoot: _Quantity | None = None
    survives: Annotated[_Quantity, Field(gt=0)] | None = None
    gate: bool = False
    report_links: tuple[ReportLink, ...] = ()

    @property
    def links(self) -> list[Link]:
        """The links of the report, as a check has them."""
        return [Link(text=one.text, link=one.link) for one in self.report_links]

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm that has to be measured for this experiment."""
        against = (self.against,) if self.against else ()
        return tuple(dict.fromkeys((*against, *self.arm)))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that the rows of this experiment rest on."""
        named = [*self.optimization_goal, *(check.bounds.series for check in self.checks)]
        limits = (self.slope, self.copies, self.overshoot)
        worked_out = DERIVED.keys() & {*named} or any(limit is not None for limit in limits)
        metrics = [name for name in named if name not in DERIVED]
        if worked_out or not metrics:
            metrics.append(PEAK)
        if self.copies is not None or COPIES in named:
            metrics.append(CAPTURED)
        return tuple(dict.fromkeys(metrics))

    def replicates_of(self, metric: str) -> int:
        """Return how many replicates of a metric there have to be."""
        return 1 if metric == CAPTURED else self.replicates

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        faults = _twice("check", [check.name for check in self.checks])
        if not self.against and any(c.bounds.series == REDUCTION for c in self.checks):
            faults.append(f"series {REDUCTION!r} needs the arm to compare with, `against`")
        if self.against and self.against in self.arm:
            faults.append(f"arm {self.against!r} cannot be compared with itself")
        if self.gate and not self.has_bounds and (self.erratic or not self.optimization_goal):
            kind = "erratic experiment" if self.erratic else "experiment without a goal and"
            faults.append(f"an {kind} without bounds can never fail: gate means nothing")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def has_bounds(self) -> bool:
        """Whether anything but the comparison with a baseline can fail here."""
        return bool(self.checks) or any(
            bound is not None for bound in (self.slope, self.copies, self.overshoot, self.survives)
        )


class _Options(_SuiteTable):
    """How the pipelines of the suite batch and encode; as the options of `harness run`."""

    def as_pipeline_options(self) -> dict[str, Any]:
        """Return what is set, under the names that a run's manifest has for it."""
        given = self.model_dump(exclude_none=True)
        return {name: given[key] for name, key in _KEYS.items() if key in given}


_KEYS = {name: name.removesuffix("_bytes") for name in MEASURED_OPTIONS}


def _key_of(name: str) -> tuple[Any, None]:
    """Return the type of an option of `PipelineOptions` as a suite has it, and that it is unset."""
    kind, meta = get_args(get_type_hints(PipelineOptions, include_extras=True)[name])
    if meta.extra:
        return Literal[meta.extra["choices"]] | None, None
    if name.endswith("_bytes"):
        kind = Annotated[kind, _SIZE]
    return (kind if meta.ge is None else Annotated[kind, Field(ge=meta.ge)]) | None, None


if TYPE_CHECKING:
    SuiteOptions = _Options
else:
    SuiteOptions = create_model(
        "SuiteOptions",
        __base__=_Options,
        __doc__=_Options.__doc__,
        **{key: _key_of(name) for name, key in _KEYS.items()},
    )


class Suite(_SuiteTable):
    """Experiments over one corpus.

    `corpus` is a pinned tier (`small`, `default`, `large`) or a directory. With `needs_baseline`,
    there is no verdict without a run to compare with. `limits` says how far extraction follows its
    input, as `harness run --limit` does.
    """

    description: str = ""
    corpus: str
    needs_baseline: bool = True
    seed: int = DEFAULTS.seed
    options: SuiteOptions = SuiteOptions()
    limits: dict[str, int | float | str] = {}
    experiments: tuple[Experiment, ...]
    name: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm that has to be measured, baselines of comparisons first."""
        against = (e.against for e in self.experiments if e.against)
        arms = (arm for e in self.experiments for arm in e.arm)
        return tuple(dict.fromkeys((*against, *arms)))

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        faults = _twice("experiment", [experiment.name for experiment in self.experiments])
        if not self.experiments:
            faults.append("there are no experiments")
        elif not any(experiment.gate for experiment in self.experiments):
            faults.append("no experiment has `gate = true`: nothing could ever fail")
        if not self.needs_baseline:
            faults += [
                f"experiment {one.name!r} guards by comparison alone, and no baseline is needed"
                for one in self.experiments
                if one.gate and not one.has_bounds
            ]
        if faults:
            raise ValueError("; ".join(faults))
        return self


def load_suite(file: Path) -> Suite:
    """Read and check a suite.

    Raises:
        ConfigError: The file cannot be read, or says something that cannot be; every fault is
            named, with the file and the key.
    """
    with reading(
        file, Suite, Experiment, BoundsCheck, Bounds, SlopeBound, ReportLink, SuiteOptions
    ):
        content = tomllib.loads(file.read_bytes().decode())
        return Suite.model_validate({"name": file.stem, **content})


def _twice(kind: str, names: Sequence[str]) -> list[str]:
    return [f"{kind} {name!r} is given twice" for name in repeated(names)]
