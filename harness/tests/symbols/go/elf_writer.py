"""Write the smallest ELF file that has given sections at given addresses."""

from __future__ import annotations

import struct
from pathlib import Path

_BITS, _STRINGS = 1, 3
_OWN_NAME = b".shstrtab\0"


def write_elf(
    path: Path, sections: list[tuple[str, int, bytes]], *, order: str = "little", bits: int = 64
) -> Path:
    """Write an executable of `(name, address, content)` sections and nothing else."""
    prefix = "<" if order == "little" else ">"
    wide = bits == 64
    header_bytes, entry_bytes = (64, 64) if wide else (52, 40)
    names = b"\0"
    body = b""
    rows = [(0, 0, 0, 0, 0)]
    names += b"".join(name.encode() + b"\0" for name, _, _ in sections) + _OWN_NAME
    for name, address, content in [*sections, (".shstrtab", 0, names)]:
        kind = _STRINGS if content is names else _BITS
        name_at = names.index(b"\0" + name.encode() + b"\0") + 1
        rows.append((name_at, kind, address, header_bytes + len(body), len(content)))
        body += content
    code = "IIQQQQIIQQ" if wide else "IIIIIIIIII"
    table = b"".join(
        struct.pack(prefix + code, name, kind, 2, address, offset, size, 0, 0, 1, 0)
        for name, kind, address, offset, size in rows
    )
    word = "Q" if wide else "I"
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "little" else 2, 1]) + bytes(9)
    header = ident + struct.pack(
        f"{prefix}HHI{word}{word}{word}IHHHHHH",
        2, 62 if wide else 3, 1, 0, 0, header_bytes + len(body), 0,
        header_bytes, 0, 0, entry_bytes, len(rows), len(rows) - 1,
    )  # fmt: skip
    path.write_bytes(header + body + table)
    return path
