"""Any scopes, for properties that must hold for all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from harness.model import LanguageSpecifics, LineRange, Scope, Symbol, package_scope

names = st.text(max_size=6)
lines = st.integers(0, 2**31 - 1)
ranges = st.lists(st.builds(LineRange, lines, lines), max_size=2).map(tuple)
specifics = st.builds(
    LanguageSpecifics,
    available_line_ranges=ranges,
    go_qualified_name=names,
    agent_version=names,
    qualified_name=names,
    linkage_name=names,
    super_classes=st.lists(names, max_size=2).map(tuple),
).map(lambda said: None if said == LanguageSpecifics() else said)
symbols = st.builds(
    Symbol,
    name=names,
    type=names,
    symbol_type=st.sampled_from(["field", "static_field"]),
    language_specifics=specifics,
) | st.builds(
    Symbol,
    name=names,
    type=names,
    symbol_type=st.sampled_from(["arg", "local"]),
    line=lines,
    language_specifics=specifics,
)


def scopes_of(
    kind: st.SearchStrategy[str], inner: st.SearchStrategy[list[Scope]]
) -> st.SearchStrategy[Scope]:
    return st.builds(
        Scope,
        scope_type=kind,
        name=names,
        source_file=names,
        start_line=lines,
        end_line=lines,
        has_injectible_lines=st.booleans(),
        injectible_lines=ranges,
        language_specifics=specifics,
        symbols=st.lists(symbols, max_size=2),
        scopes=inner,
    )


children = st.recursive(
    scopes_of(st.sampled_from(["function", "struct", "local"]), st.just([])),
    lambda inner: scopes_of(st.sampled_from(["function", "struct"]), st.lists(inner, max_size=2)),
    max_leaves=4,
)
package_scopes = st.builds(
    package_scope,
    names,
    names.map(lambda version: LanguageSpecifics(agent_version=version) if version else None),
)
packages = st.lists(st.tuples(package_scopes, st.lists(children, max_size=3)), max_size=4)
