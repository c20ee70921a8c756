"""Equal parts shared among scopes that were decoded from a file.

Whoever builds scopes shares what repeats: kinds, files, types, names of variables. A decoder makes
each string anew, and a pipeline that keeps scopes would look worse for it than it is. Variables of
one function are often available on the same lines, so what is said of that is shared as well.
"""

from __future__ import annotations

from sys import intern

from harness.model import LanguageSpecifics, Scope

STAGE = "scope tree"

_MOST = 512
# Half of them repeat within a function; a longer memory finds hardly any more, and is never empty.
_MOST_SPECIFICS = 64


class StringPool:
    """Shares equal parts of scopes; forgets all of one sort when there are too many."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._types: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._specifics: dict[LanguageSpecifics, LanguageSpecifics] = {}

    def share(self, scope: Scope) -> Scope:
        """Share the parts of a scope and of what it encloses."""
        for inner in scope.scopes:
            self.share(inner)
        return self.share_own(scope)

    def share_own(self, scope: Scope) -> Scope:
        """Share the parts of a scope and of its symbols. Names of scopes seldom repeat."""
        files, types, names, known = self._files, self._types, self._names, self._specifics
        for pool in (files, types, names):
            if len(pool) > _MOST:
                pool.clear()
        if len(known) > _MOST_SPECIFICS:
            known.clear()
        scope.scope_type = intern(scope.scope_type)
        scope.source_file = files.setdefault(scope.source_file, scope.source_file)
        for symbol in scope.symbols:
            symbol.symbol_type = intern(symbol.symbol_type)
            symbol.type = types.setdefault(symbol.type, symbol.type)
            symbol.name = names.setdefault(symbol.name, symbol.name)
            specifics = symbol.language_specifics
            if specifics is not None:
                symbol.language_specifics = known.setdefault(specifics, specifics)
        return scope
