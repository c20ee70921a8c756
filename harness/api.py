"""The same from Python: measure callables or a corpus, load a run, and look at the result.

`import harness` offers these names. Each call measures in fresh processes, as the commands do, and
raises a `HarnessError` with the reason and the remedy where it cannot answer.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

import msgspec
from markupsafe import Markup
from msgspec import structs

from harness.arms.calls import arms_of, inputs_of, pipelines_of, with_callables
from harness.config import AB, DEFAULTS, LOCAL, PipelineOptions, RunOptions
from harness.errors import ConfigError
from harness.loading import load_frames
from harness.nearest import nearest
from harness.printing import make_console
from harness.records import CALL, Call
from harness.reports.beside import held_at, line_columns
from harness.reports.columns import TERMINAL, summary_columns
from harness.reports.headline import Headline
from harness.reports.report import Report, report_of
from harness.reports.terminal import print_report
from harness.run.request import RunRequest, request_of
from harness.run.schedule import ALL_THERE, Supply
from harness.run.scratch import scratch_directory
from harness.run.session import run_session
from harness.stats.answered import refuse_unanswered
from harness.tables import html_table, pick

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

T = TypeVar("T")
Named = Callable[..., Any] | str
"""A callable, or its name as `harness ab` takes it."""

PathLike = str | os.PathLike[str]
Inputs = PathLike | Iterable[PathLike]

_NONE: Mapping[str, Any] = MappingProxyType({})


class Result:
    """A run, and what it comes to.

    Printed, it is the table that the command prints; in a notebook, the same as HTML.

    Attributes:
        path: The run's directory, for `harness report`, `compare`, `gate` and `load`.
        frames: Its tables, one observation per row (`harness.stats.frames.COLUMNS`).
        summary: One row per input and source (`harness.stats.summary.Summary`).
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self.path, self.frames, self.summary = report.frames.path, report.frames, report.summary

    @property
    def reduction_pct(self) -> float:
        """How much less the second holds at its peak, in per cent, if there is one input.

        Raises:
            ConfigError: There are several, or nothing was compared.
        """
        return _the_one("change", [row.reduction_pct for row in self.summary.rows])

    @property
    def peak_bytes(self) -> int:
        """The peak heap of what was judged, if there is one input.

        Raises:
            ConfigError: There are several, or it is not known.
        """
        return int(_the_one("peak", [row.candidate.peak for row in self.summary.rows]).median)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per input, source and arm.

        Columns are `input`, `source`, `arm`, `peak_bytes` (median), `replicates`, `exact` (they
        agree to the byte), `reduction_pct` (against the first arm) and `same_output`.
        """
        import pandas as pd  # noqa: PLC0415 - not to be paid for by who only prints

        return pd.DataFrame(
            {
                "input": row.binary,
                "source": row.source,
                "arm": arm.name,
                "peak_bytes": int(arm.peak.median) if arm.peak else None,
                "replicates": arm.peak.replicates if arm.peak else 0,
                "exact": arm.peak.exact if arm.peak else False,
                "reduction_pct": row.reduction_pct if arm is row.candidate else None,
                "same_output": row.same_output,
            }
            for row in self.summary.rows
            for arm in ((row.candidate,) if self.summary.alone else row.arms)
        )

    def lines(self) -> pd.DataFrame:
        """Return the lines that hold most at the peaks, one per row, with bytes and code."""
        import pandas as pd  # noqa: PLC0415 - likewise

        return pd.DataFrame(
            {"input": binary, **structs.asdict(line)}
            for binary, lines in self._report.lines().items()
            for line in lines
        )

    def plot(self, name: str = "peak_heap") -> Figure:
        """Return one of the pictures of a report, by the name of a registered plot.

        A notebook shows it, whether pyplot and its inline backend were ever imported or not.

        Raises:
            ConfigError: There is no such plot.
        """
        from harness import registry  # noqa: PLC0415 - matplotlib

        figure: Figure = registry.load("plot", name)(self.frames)
        figure._repr_png_ = partial(_png_of, figure)  # type: ignore[attr-defined]
        return figure

    def __repr__(self) -> str:
        text = io.StringIO()
        print_report(self._report, make_console(text, plain=True))
        return text.getvalue().rstrip()

    def _repr_html_(self) -> str:
        arms, lines = self.summary.arms, self._report.lines()
        columns = summary_columns(self.summary, self._report.held)
        parts = [
            Markup("<p><b>{}</b> {}</p>").format(one.answer, one.support)
            for one in Headline(self.summary).iter_findings()
        ]
        parts.append(html_table(pick(columns, TERMINAL), self.summary.rows))
        for name, held in lines.items():
            parts.append(Markup("<p>{}</p>").format(held_at(name)))
            parts.append(html_table(line_columns(arms, held), held))
        return str.join("\n", parts)  # plain text: what others put around it is no foreign name


def ab(
    old: Named,
    new: Named,
    *,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] = _NONE,
    inputs: Inputs = (),
    **options: Any,
) -> Result:
    """Measure two callables over the same arguments, and compare what they hold at their peaks.

    Args:
        old: What is compared with.
        new: What is judged.
        args: Positional arguments of both; what follows is as for `measure`.
        kwargs: Likewise by keyword.
        inputs: Likewise.
        **options: Likewise.

    Raises:
        HarnessError: Something cannot be called, or not be answered.
    """
    return _called([old, new], args, kwargs, inputs, options)


def measure(
    target: Named,
    *,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] = _NONE,
    inputs: Inputs = (),
    **options: Any,
) -> Result:
    """Measure what one callable holds at its peak.

    Args:
        target: What is called.
        args: Its positional arguments; anything that can be pickled.
        kwargs: Likewise by keyword.
        inputs: A file, a directory of files, or several; the path of each is the first argument,
            and each is a case of its own.
        **options: `setup`, `teardown` and `digest`, callables or names of some; `output`, what is
            compared of what is written; and the fields of `harness.config.RunOptions`, such as
            `probes`, `replicates`, `env` and `results`.

    Raises:
        HarnessError: It cannot be called, or not be answered.
    """
    return _called([target], args, kwargs, inputs, options)


def run(
    corpus: PathLike,
    *,
    arms: str | Sequence[str] = DEFAULTS.arms,
    pipeline_options: PipelineOptions = PipelineOptions(),  # noqa: B008 - immutable
    **options: Any,
) -> Result:
    """Measure the pipelines over a corpus, as `harness run` does.

    Args:
        corpus: A directory or one ELF file, or a URL as `harness run` takes it.
        arms: Registered pipelines; the last is compared with the first.
        pipeline_options: What they share.
        **options: The fields of `harness.config.RunOptions`.

    Raises:
        HarnessError: It cannot be read, or not be answered.
    """
    from harness.corpus import Arrivals, binaries_of, resolve  # noqa: PLC0415 - see above
    from harness.run.fleet import open_executor, run_fleet  # noqa: PLC0415 - likewise
    from harness.run.remote import address_of, list_binaries  # noqa: PLC0415 - likewise

    chosen = _options(DEFAULTS, {**options, "arms": arms})
    command = ["python", "-m", "harness", "run", os.fspath(corpus)]
    request = request_of(chosen, pipelines_of(chosen.arms), pipeline_options, command)
    if url := address_of(os.fspath(corpus)):
        request = structs.replace(request, binaries=list_binaries(url))
        with open_executor(LOCAL) as units:
            return _answered(run_fleet(request, lambda _: None, units))
    with closing(resolve(Path(corpus))) as found:
        request = structs.replace(request, binaries=binaries_of(found))
        return _measured(request, Arrivals(found, say=lambda _: None))


def load(path: PathLike) -> Result:
    """Load a run that was stored, whole or not.

    Raises:
        StoreError: There is none, or it is damaged.
    """
    return Result(report_of(load_frames(path)))


def _png_of(figure: Figure) -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def _the_one(what: str, known: list[T | None]) -> T:
    if len(known) != 1:
        raise ConfigError(
            f"{len(known)} rows have no one {what}", remedy="see summary.rows, or to_frame()"
        )
    if known[0] is None:
        raise ConfigError(f"no {what} is known", remedy="print the result: it says why")
    return known[0]


def _called(
    targets: Sequence[Named],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    inputs: Inputs,
    options: dict[str, Any],
) -> Result:
    _refuse_to_measure_oneself()
    if isinstance(args, str) or not isinstance(args, Sequence):
        raise ConfigError(f"args={args!r} is no list or tuple", remedy=f"write args=({args!r},)")
    own: dict[str, Named] = {
        name: options.pop(name) for name in ("setup", "teardown", "digest") if name in options
    }
    with scratch_directory() as scratch:
        call = with_callables(Call(output=options.pop("output", "")), own, scratch)
        if args or kwargs:
            call = structs.replace(call, pickled=_pickled((tuple(args), dict(kwargs)), scratch))
        arms = arms_of(targets, call, scratch)
        command = ["harness.ab", *(arm.name for arm in arms)]
        request = request_of(_options(AB, options), arms, PipelineOptions(), command, CALL)
        several = [inputs] if isinstance(inputs, str | os.PathLike) else inputs
        found = inputs_of(map(Path, several), call)
        return _measured(structs.replace(request, binaries=found, sources=(CALL,)))


def _measured(request: RunRequest, supply: Supply = ALL_THERE) -> Result:
    return _answered(run_session(request, lambda _: None, supply))


def _answered(run_dir: Path) -> Result:
    result = load(run_dir)
    refuse_unanswered(result.frames, result.summary.rows)
    return result


def _options(base: RunOptions, given: Mapping[str, Any]) -> RunOptions:
    """Return the options, each given as its field in `RunOptions` or as plain Python has it."""
    hints = get_type_hints(RunOptions, include_extras=True)
    for name in given:
        if name not in hints:
            raise ConfigError(f"there is no option {name!r}", remedy=nearest(name, hints))
    plain = {**given}
    if isinstance(env := plain.get("env"), Mapping):
        plain["env"] = tuple(f"{name}={value}" for name, value in env.items())
    if "results" in plain:
        plain["results"] = Path(plain["results"])
    for name in ("probes", "arms", "sources"):
        if isinstance(plain.get(name), str):
            plain[name] = (plain[name],)
    return structs.replace(
        base, **{name: _valid(name, value, hints[name]) for name, value in plain.items()}
    )


def _valid(name: str, value: Any, hint: Any) -> Any:
    """Return the value of an option as its field has it.

    Raises:
        ConfigError: It is of another type, or less than it may be.
    """
    kind, meta = get_args(hint)
    try:
        found = value if kind is Path else msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}={value!r}: {error}") from None
    if meta.ge is not None and found is not None and found < meta.ge:
        raise ConfigError(f"{name}={value!r} is too small", remedy=f"give at least {meta.ge:g}")
    return found


def _pickled(value: object, scratch: Path) -> str:
    try:
        data = pickle.dumps(value)
    except Exception as error:
        raise ConfigError(
            f"the arguments cannot be sent to another process: {error}",
            remedy="make them there: setup=a_callable_that_returns_them",
        ) from error
    path = scratch / "arguments.pickle"
    path.write_bytes(data)
    return str(path)


def _refuse_to_measure_oneself() -> None:
    """Refuse what a worker does that imports a script which measures as soon as it is imported."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.name.startswith("harness.run."):
        raise ConfigError(
            "the script that measures would measure itself",
            remedy='put the call behind if __name__ == "__main__":',
        )
