"""Equal strings shared among scopes that were decoded from a file.

Whoever builds scopes shares what repeats: kinds, files, types, names of variables. A decoder makes
each string anew, and a pipeline that keeps scopes would look worse for it than it is.
"""

from __future__ import annotations

from sys import intern

from harness.model import Scope

_MOST = 512


class StringPool:
    """Shares equal strings among scopes; forgets all of one sort when it has 512 of them."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._types: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def share(self, scope: Scope) -> Scope:
        """Share the strings of a scope and of what it encloses."""
        for inner in scope.scopes:
            self.share(inner)
        return self.share_own(scope)

    def share_own(self, scope: Scope) -> Scope:
        """Share the strings of a scope and of its symbols. Names of scopes seldom repeat."""
        files, types, names = self._files, self._types, self._names
        for pool in (files, types, names):
            if len(pool) > _MOST:
                pool.clear()
        scope.scope_type = intern(scope.scope_type)
        scope.source_file = files.setdefault(scope.source_file, scope.source_file)
        for symbol in scope.symbols:
            symbol.symbol_type = intern(symbol.symbol_type)
            symbol.type = types.setdefault(symbol.type, symbol.type)
            symbol.name = names.setdefault(symbol.name, symbol.name)
        return scope
