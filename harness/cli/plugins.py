"""`harness plugins`: what is plugged in here, by whom, and what of it is broken."""

from __future__ import annotations

from harness.cli.options import Json
from harness.cli.output import output_console, write_json
from harness.errors import ConfigError
from harness.printing import print_table
from harness.registry import Plugged, PluginsDocument, plugged
from harness.tables import Column

_COLUMNS: list[Column[Plugged]] = [
    Column("kind", lambda one: one.kind),
    Column("name", lambda one: one.name),
    Column("from", lambda one: f"{one.distribution} {one.version}"),
    Column("problem", lambda one: one.problem),
]


def plugins(*, json: Json = False) -> None:
    """List the pipelines, probes, gates, plots and executors here, and who brings them.

    Each is imported once to try it; what is broken is named, with the reason.

    Exit codes: 0 all of them can be used; 2 one cannot be imported, or two have one name.
    """
    found = plugged()
    broken = [one for one in found if one.problem]
    if json:
        write_json(PluginsDocument(plugins=found))
    else:
        print_table(_COLUMNS if broken else _COLUMNS[:-1], found, output_console())
    if broken:
        raise ConfigError(
            f"broken: {', '.join(f'{one.kind} {one.name}' for one in broken)}",
            remedy="install their packages again, or uninstall them",
        )
