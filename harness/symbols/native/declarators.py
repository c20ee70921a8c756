"""Types as C declares them: what stands before a name and what behind it, the name left out.

A pointer to an array is `int (*)[5]`, its mark in the middle. Finished text has no middle that
could be found again once parentheses are part of a name, so a type stays a pair until it is shown.
"""

from __future__ import annotations

from typing import NamedTuple

STAGE = "extraction"


class Declarator(NamedTuple):
    """A type on its way to being spelled.

    Attributes:
        before: What stands before the declared name.
        after: What stands behind it: parameters and dimensions.
        binds_behind: Whether the outermost part stands behind: a pointer to it needs parentheses.
        ends_in_pointer: Whether a qualifier belongs behind `before`: `*const`, not `const *`.
    """

    before: str
    after: str = ""
    binds_behind: bool = False
    ends_in_pointer: bool = False

    def text(self) -> str:
        """Return the spelling without a name."""
        gap = " " if self.after.startswith("(") and not self.before.endswith(_CLINGING) else ""
        return f"{self.before}{gap}{self.after}"

    def cut(self, limit: int) -> Declarator:
        """Return the same with no more than `limit` characters."""
        before = self.before[:limit]
        return self._replace(before=before, after=self.after[: limit - len(before)])


_CLINGING = ("*", "&", "(")


def pointer_to(target: Declarator, mark: str) -> Declarator:
    """Return a pointer, reference or pointer to member; `mark` is `*`, `&`, `&&` or `Base::*`."""
    before, after = target.before, target.after
    gap = "" if before.endswith(_CLINGING) else " "
    if target.binds_behind:
        mark, after = f"({mark}", f"){after}"
    return Declarator(f"{before}{gap}{mark}", after, ends_in_pointer=True)


def qualified(target: Declarator, qualifier: str) -> Declarator:
    """Return a qualified type. That of an array are its elements, that of a function itself."""
    before = target.before
    if before.endswith(qualifier) if target.ends_in_pointer else before.startswith(f"{qualifier} "):
        return target  # a constant array of constants
    if target.ends_in_pointer:
        gap = "" if before.endswith(_CLINGING) else " "
        return target._replace(before=f"{before}{gap}{qualifier}")
    if target.after.startswith("("):
        return target._replace(after=f"{target.after} {qualifier}")
    if qualifier == "volatile" and before.startswith("const "):
        return target._replace(before=f"const volatile {before.removeprefix('const ')}")
    return target._replace(before=f"{qualifier} {before}")


def array_of(element: Declarator, dimensions: str) -> Declarator:
    """Return an array; `dimensions` is `[2][3]`."""
    return element._replace(after=f"{dimensions}{element.after}", binds_behind=True)


def function_of(result: Declarator, parameters: str, qualifiers: str = "") -> Declarator:
    """Return a function type; `qualifiers`, as in ` const`, are those of a member function."""
    return Declarator(result.before, f"({parameters}){qualifiers}{result.after}", binds_behind=True)
