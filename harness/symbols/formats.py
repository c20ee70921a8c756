"""What a file is that is no ELF file, and what turns it into something that can be read."""

from __future__ import annotations

STAGE = "extraction"

_COPY = "with `llvm-objcopy --dump-section` and `objcopy --add-section`, as in docs/binaries.md"
_DSYM = f"copy the DWARF of its dSYM (`dsymutil` makes it) into an ELF file, {_COPY}"
_CONVERT = "convert it with `objcopy -O elf64-x86-64`, if it was compiled with DWARF"
_COFF = "link it, and convert the program with `objcopy -O elf64-x86-64`"
_FORMATS = (
    (b"\xcf\xfa\xed\xfe", "a Mach-O file", _DSYM),
    (b"\xce\xfa\xed\xfe", "a Mach-O file", _DSYM),
    (b"\xfe\xed\xfa\xcf", "a Mach-O file", _DSYM),
    (b"\xfe\xed\xfa\xce", "a Mach-O file", _DSYM),
    (b"\xca\xfe\xba\xbe", "a universal Mach-O file", _DSYM),
    (b"MZ", "a PE file", _CONVERT),
    (b"\x64\x86", "a COFF object file", _COFF),
    (b"\x4c\x01", "a COFF object file", _COFF),
    (b"\0asm", "a WebAssembly module", f"copy its DWARF into an ELF file, {_COPY}"),
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
