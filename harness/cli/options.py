"""Options of the command line, made from the fields of the option structs in `harness.config`."""

from __future__ import annotations

import inspect
import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import typer
from msgspec import NODEFAULT, Meta, Struct, structs

from harness.arms.calls import pipelines_of
from harness.cli.project import Settable
from harness.config import (
    GIB,
    KIB,
    MEASURED_OPTIONS,
    MIB,
    Limits,
    PipelineOptions,
    RunOptions,
    SymbolOptions,
    flag_of,
)
from harness.errors import ConfigError
from harness.nearest import nearest
from harness.registry import names
from harness.run.extensions import resolve_probes
from harness.run.request import parse_env
from harness.units import parse_bytes, parse_limits

_ALL = "both"
HELP = {"help_option_names": ["-h", "--help"]}

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]

Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Print the answer only, and what went wrong.")
]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Print a line for each process that was measured.")
]
RunDir = Annotated[Path, typer.Argument(help="A run directory.", show_default=False)]
RunDirs = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Run directories.", show_default=False)
]
MetricNames = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", help="Take this metric; can be repeated. Default: all that `compare` uses."
    ),
]
Everything = Annotated[
    bool, typer.Option("--all", help="Print clean rows too, however many there are.")
]
BaselineDir = Annotated[
    Path, typer.Option("--baseline", metavar="DIR", help="Where the baseline is kept.")
]


def group(name: str, about: str | None) -> typer.Typer:
    """Return a verb that is a group of others."""
    return typer.Typer(
        name=name, help=about, add_completion=False, no_args_is_help=True, context_settings=HELP
    )


class Fields:
    """Says which fields of an option struct a command offers, and which of them have to be given.

    It stands in the annotation of the parameter that takes the struct; the parameter's default, or
    that of the struct, gives the default of every option.
    """

    def __init__(self, *names: str, required: Iterable[str] = ()) -> None:
        self.names = names
        self.required = frozenset(required)


class _Group(NamedTuple):
    """What makes the option struct of one parameter, and a converter for each of its options."""

    make: Callable[..., Struct]
    converters: dict[str, Callable[[Any], Any]]


def with_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Return `verb` with one option per field in place of every parameter that has `Fields`."""
    parameters: list[inspect.Parameter] = []
    groups: dict[str, _Group] = {}
    settable: dict[str, Settable] = {}
    for parameter in inspect.signature(verb, eval_str=True).parameters.values():
        struct, *notes = get_args(parameter.annotation) or (object,)
        fields = next((note for note in notes if isinstance(note, Fields)), None)
        if fields is None:
            parameters.append(parameter)
            continue
        base = parameter.default
        groups[parameter.name] = _Group(
            struct if base is inspect.Parameter.empty else partial(structs.replace, base), {}
        )
        for option, convert in _iter_options(struct, fields, base):
            groups[parameter.name].converters[option.name] = convert
            parameters.append(option)
        settable |= _settable(struct, fields, base)

    @wraps(verb)
    def call(**given: Any) -> None:
        for name, (make, converters) in groups.items():
            given[name] = make(**{one: to(given.pop(one)) for one, to in converters.items()})
        verb(**given)

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in parameters}
    call.settable = settable  # type: ignore[attr-defined]
    return call


_SETTABLE = (RunOptions, PipelineOptions, SymbolOptions)
"""The structs whose options a project may set, for the commands that measure."""


def settable_keys() -> list[str]:
    """Return every key that a project may set."""
    fields = [Fields(*RunOptions.__struct_fields__), Fields(*MEASURED_OPTIONS)]
    fields.append(Fields("debug_dirs", "limits"))
    return [key for struct, one in zip(_SETTABLE, fields, strict=True)
            for key in _settable(struct, one, inspect.Parameter.empty)]  # fmt: skip


def _settable(struct: Any, fields: Fields, base: Any) -> dict[str, Settable]:
    """Return by key what a project may set: not what a command has a default of its own for."""
    hints, usual = get_type_hints(struct, include_extras=True), None
    found: dict[str, Settable] = {}
    for name in fields.names if struct in _SETTABLE else ():
        usual = next(one.default for one in structs.fields(struct) if one.name == name)
        if base is not inspect.Parameter.empty and getattr(base, name) != usual:
            continue
        kind, option = get_args(hints[name])[0], _option(name, hints[name])
        several = get_origin(option.kind) is list or kind is Limits
        check = _CHECKS.get(name, partial(_check, option))
        found[option.flag.removeprefix("--")] = Settable(
            name, several, kind is Path, _takes(name, option.kind), check
        )
    return found


_CHECKS: dict[str, Callable[[Any], object]] = {
    "env": parse_env, "probes": resolve_probes, "arms": pipelines_of
}  # fmt: skip


def _check(option: _Option, value: Any) -> None:
    """Refuse what the command line would: a value that is no choice, or out of bounds.

    Raises:
        ConfigError: It is.
    """
    choices, settings = get_args(option.kind), option.settings
    if get_origin(option.kind) is Literal and value not in choices:
        raise ConfigError("it has no such choice", remedy=nearest(value, choices))
    if "parser" in settings:
        settings["parser"](value)
    for bound, beyond in (("min", operator.lt), ("max", operator.gt)):
        if bound in settings and beyond(float(value), settings[bound]):
            raise ConfigError(f"{bound}imum is {settings[bound]:g}")
    option.convert(value)


def _takes(name: str, kind: Any) -> tuple[tuple[type, ...], str]:
    """Return what a project has to give for an option, and what to call that."""
    kinds = {kind, *get_args(kind)}
    if bool in kinds:
        return (bool,), "truth value (true or false)"
    if name.endswith("_bytes"):
        return (str, int), "size"
    if float in kinds:
        return (int, float), "number"
    return ((int,), "whole number") if int in kinds else ((str,), "text")


def command_line() -> list[str]:
    """Return the command as it can be repeated."""
    return ["python", "-m", "harness", *sys.argv[1:]]


def is_given(context: typer.Context, name: str) -> bool:
    """Tell whether an option stands on the command line, and is no default of anybody."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _iter_options(
    struct: type[Struct], fields: Fields, default: Any
) -> Iterator[tuple[inspect.Parameter, Callable[[Any], Any]]]:
    hints = get_type_hints(struct, include_extras=True)
    own = {field.name: field.default for field in structs.fields(struct)}
    for name in fields.names:
        value = own[name] if default is inspect.Parameter.empty else getattr(default, name)
        option = _option(name, hints[name])
        if name in fields.required or value is NODEFAULT:
            value, option.settings["show_default"] = inspect.Parameter.empty, False
        else:
            value = option.show(value)
        flag = typer.Option(option.flag, **option.settings)
        parameter = inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=value,
            annotation=Annotated[option.kind, flag],
        )
        yield parameter, option.convert


class _Option(NamedTuple):
    """How a field looks on the command line: its flag, type, settings, default and way back."""

    flag: str
    kind: Any
    settings: dict[str, Any]
    show: Callable[[Any], Any] = lambda value: value
    convert: Callable[[Any], Any] = lambda value: value


def _option(name: str, hint: Any) -> _Option:
    kind, *notes = get_args(hint)
    meta = next(note for note in notes if isinstance(note, Meta))
    settings: dict[str, Any] = {"help": meta.description, **(meta.extra or {})}
    choices = settings.pop("choices", ())
    if name in _COMPLETED:
        settings["autocompletion"] = _completing(_COMPLETED[name])
    if meta.ge is not None and not name.endswith("_bytes"):
        settings["min"] = meta.ge
    if meta.le is not None:
        settings["max"] = meta.le
    if kind is Limits:
        return _Option("--limit", list[str] | None, {**settings, "metavar": "NAME=VALUE"},
                       lambda _: None, lambda given: parse_limits(given or ()))  # fmt: skip
    if name.endswith("_dirs"):
        return _several(flag_of(name).removesuffix("s"), (), settings)._replace(
            convert=_directories
        )
    if get_origin(kind) is tuple and name.endswith("_bytes"):
        return _one_size(flag_of(name), settings, meta.ge)
    if get_origin(kind) is tuple:
        return _several(flag_of(name).removesuffix("s"), choices, settings)
    if name.endswith("_bytes"):
        settings |= _sized(flag_of(name), meta.ge)
        return _Option(flag_of(name), kind, settings, _size)
    return _Option(flag_of(name), Literal[choices] if choices else kind, settings)


_COMPLETED = {"probes": "probe", "arms": "pipeline"}
"""The kind of plugin whose names a shell offers for an option."""


def _completing(kind: str) -> Callable[[str], list[str]]:
    def complete(beginning: str) -> list[str]:
        return [name for name in names(kind) if name.startswith(beginning)]

    return complete


def _several(flag: str, choices: tuple[str, ...], settings: dict[str, Any]) -> _Option:
    """Return an option for several values: one choice or all of them, or any that are repeated."""
    if not choices:
        return _Option(flag, list[str], settings, list, tuple)
    return _Option(
        flag,
        Literal[(_ALL, *choices)],
        settings,
        lambda value: value[0] if len(value) == 1 else _ALL,
        lambda given: choices if given == _ALL else (given,),
    )


def _one_size(flag: str, settings: dict[str, Any], least: float | None) -> _Option:
    """Return an option for one of several sizes, or none of them."""
    return _Option(
        flag,
        int | None,
        settings | _sized(flag, least),
        lambda sizes: _size(*sizes) if sizes else None,
        lambda given: () if given is None else (given,),
    )


def _sized(flag: str, least: float | None) -> dict[str, Any]:
    return {"metavar": "SIZE", "parser": partial(_parse_size, flag, least)}


def _directories(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(os.path.abspath, given))


def _parse_size(flag: str, least: float | None, text: str) -> int:
    """Return a size; only one without a lower bound may be negative, such as a threshold."""
    try:
        size_bytes = -parse_bytes(text[1:]) if text.startswith("-") else parse_bytes(text)
    except ConfigError as error:
        raise ConfigError(f"{flag}: {error.message}", remedy=error.remedy) from None
    if least is not None and size_bytes < least:
        remedy = f"give at least {_size(int(least))}"
        raise ConfigError(f"{flag}: {text} is too small", remedy=remedy)
    return size_bytes


def _size(size_bytes: int) -> str:
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size_bytes and not size_bytes % unit:
            return f"{size_bytes // unit} {name}"
    return str(size_bytes)
