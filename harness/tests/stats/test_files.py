"""The files inventory check: what counts as a change of a file, shrinking and emptying included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import StoredFile
from harness.stats.files import compare_files

DIGESTS = st.sampled_from(["", "a" * 64, "b" * 64])
FILES = st.builds(
    StoredFile,
    size_bytes=st.integers(0, 2**40),
    mode=st.none() | st.integers(0, 0o7777),
    sha256=DIGESTS,
)
SIDES = st.dictionaries(st.text("abc/", min_size=1, max_size=3), FILES, max_size=6)


def file(size_bytes: int, mode: int | None = 0o644, sha256: str = "") -> StoredFile:
    return StoredFile(size_bytes=size_bytes, mode=mode, sha256=sha256)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        pytest.param(file(100), file(100), [], id="the same"),
        pytest.param(file(100), file(110), [], id="ten per cent more"),
        pytest.param(file(100), file(111), ["grown"], id="more than ten per cent more"),
        pytest.param(file(100), file(90), [], id="ten per cent less"),
        pytest.param(file(100), file(89), ["shrunk"], id="more than ten per cent less"),
        pytest.param(file(0), file(0), [], id="empty as before"),
        pytest.param(file(0), file(1), ["grown"], id="empty before"),
        pytest.param(file(1), file(0), ["shrunk"], id="empty now"),
        pytest.param(None, file(0), ["added"], id="new"),
        pytest.param(file(5), None, ["removed"], id="gone"),
        pytest.param(file(5, 0o644), file(5, 0o755), ["mode"], id="executable now"),
        pytest.param(file(5, 0o644), file(5, 0o664), [], id="another umask"),
        pytest.param(file(5, None), file(5, 0o755), [], id="mode not known"),
        pytest.param(file(5, 0o755), file(9, 0o644), ["grown", "mode"], id="two at once"),
        pytest.param(file(5, sha256="a"), file(5, sha256="b"), ["content"], id="other bytes"),
        pytest.param(file(5, sha256="a"), file(5), [], id="digest not known"),
    ],
)
def test_a_file_is_changed_or_not(
    old: StoredFile | None, new: StoredFile | None, changes: list[str]
) -> None:
    found = compare_files({"f": old} if old else {}, {"f": new} if new else {})
    assert [row.change for row in found.rows] == changes
    assert found.changed == bool(changes)
    assert found.checked


def test_a_row_says_what_was_and_what_is() -> None:
    (row,) = compare_files({"corpus/go": file(7, 0o755)}, {"corpus/go": file(70, 0o755)}).rows
    assert (row.path, row.before_bytes, row.after_bytes) == ("corpus/go", 7, 70)
    assert (row.before_mode, row.after_mode) == ("0755", "0755")


@given(SIDES)
def test_for_all_files_nothing_changes_against_themselves(files: dict[str, StoredFile]) -> None:
    assert not compare_files(files, files).changed


@given(SIDES, SIDES)
def test_for_all_files_every_one_that_is_on_one_side_only_is_named(
    before: dict[str, StoredFile], after: dict[str, StoredFile]
) -> None:
    named = {row.path for row in compare_files(before, after).rows}
    assert before.keys() ^ after.keys() <= named <= before.keys() | after.keys()
