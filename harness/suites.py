"""From a corpus and a suite to what is measured, and to what is expected of the result."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from harness.config import LimitOptions, Limits, PipelineOptions
from harness.corpus import (
    COMMITTED,
    TIERS,
    Corpus,
    OnProgress,
    committed_corpus,
    fixtures_directory,
    pinned_manifest,
    resolve,
)
from harness.errors import ConfigError
from harness.limits.choice import limit_metrics, metric_of
from harness.nearest import nearest
from harness.pipelines.compressors import at_default_level
from harness.records import Binary, Manifest, Metric
from harness.registry import names
from harness.run.extensions import arms_by_name, traits_of
from harness.run.limit import FREE_PROBE
from harness.run.request import RunRequest
from harness.stats.metrics import CAPTURED
from harness.units import parse_limits

if TYPE_CHECKING:
    from harness.gates.suite import Suite


def find_suite(text: str) -> Suite:
    """Return the suite of that name, or that file.

    Raises:
        ConfigError: There is none, or it says something that cannot be.
    """
    from harness.gates.suite import load_suite  # noqa: PLC0415  no start-up pays for pydantic

    if text.endswith(".toml"):
        return load_suite(Path(text))
    known = suite_names()
    if text not in known:
        hint = nearest(text, known)
        raise ConfigError(f"there is no suite called {text!r}", remedy=f"{hint}, or name a .toml")
    return load_suite(_suites() / f"{text}.toml")


def suite_names(beginning: str = "") -> list[str]:
    """Return the names of our suites that begin so; shells complete them."""
    return sorted(path.stem for path in _suites().glob(f"{escape(beginning)}*.toml"))


def _suites() -> Path:
    return fixtures_directory() / "suites"


def corpus_of(suite: Suite, directory: Path, on_progress: OnProgress) -> Corpus:
    """Return the suite's corpus; what has to be fetched is put into `directory`.

    Raises:
        CorpusError: It is not to be had.
    """
    if suite.corpus == COMMITTED:
        return committed_corpus()
    if suite.corpus in TIERS:
        return resolve(directory, suite.corpus, on_progress)
    return resolve(Path(suite.corpus), "", on_progress)


def expected_inputs(suite: Suite, *manifests: Manifest) -> dict[str, str]:
    """Return the digest of every binary that the suite's corpus has.

    What a directory held is known from the runs alone; its digests are what they are, and what one
    run measured is expected of the other.
    """
    if suite.corpus in TIERS:
        return {pin.name: pin.sha256 for pin in pinned_manifest().tier(suite.corpus)}
    return {one.name: "" for manifest in manifests for one in manifest.corpus}


def limited_sources(suite: Suite) -> dict[str, tuple[str, ...]]:
    """Return the sources of the binaries that the suite's corpus measures from some only."""
    pins = pinned_manifest().tier(suite.corpus) if suite.corpus in TIERS else ()
    return {pin.name: pin.sources for pin in pins if pin.sources}


def narrowed(request: RunRequest, suite: Suite) -> RunRequest:
    """Return the request with what the suite decides about.

    `--replicates` still counts: two runs of half as many make a whole one when they are pooled.

    Raises:
        ConfigError: A pattern fits no binary, or nothing measures a metric.
    """
    replicates = _replicates(suite, request)
    sources = {source for experiment in suite.experiments for source in experiment.source}
    return structs.replace(
        request,
        binaries=_binaries(suite, request.binaries),
        arms=arms_by_name(list(suite.arms)),
        probes=_probes(suite),
        sources=tuple(sorted(sources)),
        replicates=replicates,
        seed=suite.seed,
        pipeline_options=options_of(suite),
        symbol_options=structs.replace(request.symbol_options, limits=limits_of(suite)),
        suite=suite.name,
        memory_limits=memory_limits_of(suite),
        aside=[],
    )


def options_of(suite: Suite) -> PipelineOptions:
    """Return the pipelines' options: what the suite sets, and the defaults for the rest."""
    return at_default_level(PipelineOptions(**suite.options.as_pipeline_options()))


def limits_of(suite: Suite) -> Limits:
    """Return how far extraction follows its input: what the suite sets, else the defaults.

    Raises:
        ConfigError: A limit is not known, or its value is not one.
    """
    try:
        return parse_limits(f"{name}={value}" for name, value in suite.limits.items())
    except ConfigError as error:
        raise ConfigError(f"suite {suite.name}: {error.message}", remedy=error.remedy) from None


def memory_limits_of(suite: Suite) -> LimitOptions | None:
    """Return how limits are tried for a suite: searched where one is a goal, else only its bounds.

    Raises:
        ConfigError: It asks for limits of two kinds, which no run can have.
    """
    kinds = limit_metrics()
    asked = [one for one in suite.experiments if one.survives or set(one.metrics) & set(kinds)]
    named = sorted({kinds[metric] for one in asked for metric in one.metrics if metric in kinds})
    if len(named) > 1:
        raise ConfigError(
            f"suite {suite.name}: limits by {' and '.join(named)} cannot be had in one run",
            remedy="keep to one kind",
        )
    if not asked:
        return None
    bounds = {int(one.survives) for one in asked if one.survives}
    return LimitOptions(
        replicates=max(one.replicates for one in asked),
        backend=named[0] if named else "auto",
        under_bytes=() if named else tuple(sorted(bounds)),
        sources=tuple(sorted({source for one in asked for source in one.source})),
    )


def _binaries(suite: Suite, offered: list[Binary]) -> list[Binary]:
    patterns = [pattern for experiment in suite.experiments for pattern in experiment.binary]
    for pattern in patterns:
        if not any(fnmatchcase(binary.name, pattern) for binary in offered):
            hint = nearest(pattern, [binary.name for binary in offered])
            raise ConfigError(f"suite {suite.name}: no binary is called {pattern!r}", remedy=hint)
    return [one for one in offered if any(fnmatchcase(one.name, pattern) for pattern in patterns)]


def _probes(suite: Suite) -> tuple[str, ...]:
    metrics = (metric for experiment in suite.experiments for metric in experiment.metrics)
    probes = [_probe_of(metric, suite.name) for metric in metrics]
    if any(experiment.survives for experiment in suite.experiments):
        probes.append(FREE_PROBE)
    return tuple(dict.fromkeys(probes))


def _replicates(suite: Suite, request: RunRequest) -> dict[str, int]:
    """Return how often each probe is to run: as often as the most demanding experiment says.

    How often captures are taken is left to what they cost.
    """
    asked = set(request.replicates.values())
    found: dict[str, int] = {}
    for experiment in suite.experiments:
        for metric in experiment.metrics:
            if metric == CAPTURED:
                continue
            probe = _probe_of(metric, suite.name)
            wanted = next(iter(asked), experiment.replicates)
            found[probe] = max(found.get(probe, 0), wanted)
    return found


def iter_doubts_of(suite: Suite, request: RunRequest) -> Iterator[str]:
    """Yield what the suite asks of metrics that vary, and can hardly be answered."""
    declared = list(_iter_declared())
    exact = {one.name for one, _ in declared if one.exact}
    if all(exact.issuperset(experiment.optimization_goal) for experiment in suite.experiments):
        return
    from harness.gates.power import iter_doubts  # noqa: PLC0415  loads numpy

    replicates = {one.name: request.replicates.get(probe, 1) for one, probe in declared}
    yield from iter_doubts(suite, {one.name: one for one, _ in declared}, replicates)


def _probe_of(metric: str, suite: str) -> str:
    known = {one.name: probe for one, probe in _iter_declared()}
    probe = known.get(metric, "")
    if not probe:
        hint = nearest(metric, sorted(known))
        raise ConfigError(f"suite {suite}: nothing measures {metric!r}", remedy=hint)
    return probe


def _iter_declared() -> Iterator[tuple[Metric, str]]:
    """Yield every metric that a registered probe declares, with the probe's name.

    A limit that is survived is searched from what the free probe tells.
    """
    for name in names("probe"):
        for metric in traits_of(name).metrics:
            yield metric, name
    for kind in limit_metrics().values():
        yield metric_of(kind), FREE_PROBE
