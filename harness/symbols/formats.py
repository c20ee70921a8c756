"""What a file is that is no ELF file, and what turns it into something that can be read."""

from __future__ import annotations

STAGE = "extraction"

_DSYM = "give the same program built for Linux: Mach-O and its dSYM are not read"
_FORMATS = (
    (b"\xcf\xfa\xed\xfe", "a Mach-O file", _DSYM),
    (b"\xce\xfa\xed\xfe", "a Mach-O file", _DSYM),
    (b"\xfe\xed\xfa\xcf", "a Mach-O file", _DSYM),
    (b"\xfe\xed\xfa\xce", "a Mach-O file", _DSYM),
    (b"\xca\xfe\xba\xbe", "a universal Mach-O file", _DSYM),
    (b"MZ", "a PE file", "convert its DWARF with `objcopy -O elf64-x86-64`, or build for Linux"),
    (b"\0asm", "a WebAssembly module", "build the same program for Linux"),
    (b"BC\xc0\xde", "LLVM bitcode", "compile it with `llc`, and link the result"),
    (b"\x1f\x8b", "compressed by gzip", "unpack it with `gzip -d`"),
    (b"\xfd7zXZ\0", "compressed by xz", "unpack it with `xz -d`"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it with `zstd -d`"),
    (b"PK\x03\x04", "a zip archive", "unpack it with `unzip`"),
)


def named(start: bytes) -> tuple[str, str]:
    """Return what a file is that begins like this, empty if that is not known, and the remedy."""
    for magic, name, remedy in _FORMATS:
        if start.startswith(magic):
            return name, remedy
    return "", "name a compiled binary"
