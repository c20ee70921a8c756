"""The DWARF numbers that extraction reads (DWARF 5, section 7; Go's from cmd/internal/dwarf)."""

from __future__ import annotations

TAG_ARRAY_TYPE = 0x01
TAG_CLASS_TYPE = 0x02
TAG_ENUMERATION_TYPE = 0x04
TAG_FORMAL_PARAMETER = 0x05
TAG_LEXICAL_BLOCK = 0x0B
TAG_MEMBER = 0x0D
TAG_POINTER_TYPE = 0x0F
TAG_REFERENCE_TYPE = 0x10
TAG_COMPILE_UNIT = 0x11
TAG_STRUCTURE_TYPE = 0x13
TAG_SUBROUTINE_TYPE = 0x15
TAG_TYPEDEF = 0x16
TAG_UNION_TYPE = 0x17
TAG_UNSPECIFIED_PARAMETERS = 0x18
TAG_VARIANT = 0x19
TAG_INHERITANCE = 0x1C
TAG_INLINED_SUBROUTINE = 0x1D
TAG_MODULE = 0x1E
TAG_PTR_TO_MEMBER_TYPE = 0x1F
TAG_SUBRANGE_TYPE = 0x21
TAG_BASE_TYPE = 0x24
TAG_CONST_TYPE = 0x26
TAG_SUBPROGRAM = 0x2E
TAG_VARIANT_PART = 0x33
TAG_VARIABLE = 0x34
TAG_VOLATILE_TYPE = 0x35
TAG_RESTRICT_TYPE = 0x37
TAG_INTERFACE_TYPE = 0x38
TAG_NAMESPACE = 0x39
TAG_PARTIAL_UNIT = 0x3C
TAG_IMPORTED_UNIT = 0x3D
TAG_TYPE_UNIT = 0x41
TAG_RVALUE_REFERENCE_TYPE = 0x42
TAG_ATOMIC_TYPE = 0x47
TAG_SKELETON_UNIT = 0x4A

AT_SIBLING = 0x01
AT_LOCATION = 0x02
AT_NAME = 0x03
AT_BYTE_SIZE = 0x0B
AT_STMT_LIST = 0x10
AT_LOW_PC = 0x11
AT_HIGH_PC = 0x12
AT_LANGUAGE = 0x13
AT_IMPORT = 0x18
AT_COMP_DIR = 0x1B
AT_CONTAINING_TYPE = 0x1D
AT_INLINE = 0x20
AT_PRODUCER = 0x25
AT_UPPER_BOUND = 0x2F
AT_ABSTRACT_ORIGIN = 0x31
AT_ARTIFICIAL = 0x34
AT_COUNT = 0x37
AT_DECL_FILE = 0x3A
AT_DECL_LINE = 0x3B
AT_DECLARATION = 0x3C
AT_EXTERNAL = 0x3F
AT_SPECIFICATION = 0x47
AT_TYPE = 0x49
AT_VARIABLE_PARAMETER = 0x4B
AT_RANGES = 0x55
AT_TRAMPOLINE = 0x56
AT_CALL_FILE = 0x58
AT_CALL_LINE = 0x59
AT_SIGNATURE = 0x69
AT_LINKAGE_NAME = 0x6E
AT_STR_OFFSETS_BASE = 0x72
AT_ADDR_BASE = 0x73
AT_RNGLISTS_BASE = 0x74
AT_DWO_NAME = 0x76
AT_LOCLISTS_BASE = 0x8C
AT_MIPS_LINKAGE_NAME = 0x2007
AT_GNU_DWO_NAME = 0x2130
AT_GNU_DWO_ID = 0x2131
AT_GNU_RANGES_BASE = 0x2132
AT_GNU_ADDR_BASE = 0x2133
AT_GO_KIND = 0x2900

# The same attribute means different things by the class of its form. The decoder knows the form,
# so it files each class under a key of its own; these stand beyond the 16 bits of real attributes.
AT_LOW_PC_INDEX = 0x1_0000 | AT_LOW_PC
AT_HIGH_PC_OFFSET = 0x1_0000 | AT_HIGH_PC
AT_HIGH_PC_INDEX = 0x2_0000 | AT_HIGH_PC
AT_RANGES_INDEX = 0x1_0000 | AT_RANGES
AT_LOCATION_LIST = 0x1_0000 | AT_LOCATION
AT_LOCATION_LIST_INDEX = 0x2_0000 | AT_LOCATION

# Content codes of line headers share their numbers with attributes: these stand beyond them too.
LNCT = 0x8_0000
LNCT_PATH, LNCT_DIRECTORY_INDEX, LNCT_MD5 = LNCT | 1, LNCT | 2, LNCT | 5

FORM_ADDR = 0x01
FORM_BLOCK2 = 0x03
FORM_BLOCK4 = 0x04
FORM_DATA2 = 0x05
FORM_DATA4 = 0x06
FORM_DATA8 = 0x07
FORM_STRING = 0x08
FORM_BLOCK = 0x09
FORM_BLOCK1 = 0x0A
FORM_DATA1 = 0x0B
FORM_FLAG = 0x0C
FORM_SDATA = 0x0D
FORM_STRP = 0x0E
FORM_UDATA = 0x0F
FORM_REF_ADDR = 0x10
FORM_REF1 = 0x11
FORM_REF2 = 0x12
FORM_REF4 = 0x13
FORM_REF8 = 0x14
FORM_REF_UDATA = 0x15
FORM_INDIRECT = 0x16
FORM_SEC_OFFSET = 0x17
FORM_EXPRLOC = 0x18
FORM_FLAG_PRESENT = 0x19
FORM_STRX = 0x1A
FORM_ADDRX = 0x1B
FORM_REF_SUP4 = 0x1C
FORM_STRP_SUP = 0x1D
FORM_DATA16 = 0x1E
FORM_LINE_STRP = 0x1F
FORM_REF_SIG8 = 0x20
FORM_IMPLICIT_CONST = 0x21
FORM_LOCLISTX = 0x22
FORM_RNGLISTX = 0x23
FORM_REF_SUP8 = 0x24
FORM_STRX1 = 0x25
FORM_STRX2 = 0x26
FORM_STRX3 = 0x27
FORM_STRX4 = 0x28
FORM_ADDRX1 = 0x29
FORM_ADDRX2 = 0x2A
FORM_ADDRX3 = 0x2B
FORM_ADDRX4 = 0x2C
FORM_GNU_ADDR_INDEX = 0x1F01
FORM_GNU_STR_INDEX = 0x1F02
FORM_GNU_REF_ALT = 0x1F20
FORM_GNU_STRP_ALT = 0x1F21

INL_INLINED = 1

# The published list, https://dwarfstd.org/languages.html, and 0x9000, which rustc once wrote.
# Objective-C (0x10) and Objective-C++ (0x11) are described as C and C++ are.
_READ = {
    "c": (0x01, 0x02, 0x0C, 0x10, 0x1D, 0x2C, 0x3E),
    "cpp": (0x04, 0x11, 0x19, 0x1A, 0x21, 0x2A, 0x2B, 0x3A),
    "go": (0x16,),
    "rust": (0x1C, 0x9000),
}
_NOT_READ = {
    "Ada": (0x03, 0x0D, 0x2E, 0x2F), "Algol 68": (0x44,), "BLISS": (0x25,), "C#": (0x32,),
    "COBOL": (0x05, 0x06), "Crystal": (0x28,), "D": (0x13,), "Dylan": (0x20,), "Elixir": (0x47,),
    "Erlang": (0x46,), "Fortran": (0x07, 0x08, 0x0E, 0x22, 0x23, 0x2D, 0x3F), "GLSL": (0x34, 0x35),
    "Gleam": (0x48,), "HIP": (0x30,), "HLSL": (0x36,), "Haskell": (0x18,), "Hylo": (0x42,),
    "Java": (0x0B,), "Julia": (0x1F,), "Kotlin": (0x26,), "Metal": (0x3D,), "Modula-2": (0x0A,),
    "Modula-3": (0x17,), "Mojo": (0x33,), "Move": (0x41,), "Nim": (0x45,), "OCaml": (0x1B,),
    "Odin": (0x3B,), "OpenCL": (0x15, 0x37, 0x38), "P4": (0x3C,), "PL/I": (0x0F,),
    "Pascal": (0x09,), "Python": (0x14,), "RenderScript": (0x24,), "Ruby": (0x40,), "SYCL": (0x39,),
    "Swift": (0x1E,), "UPC": (0x12, 0x8765), "V": (0x43,), "Zig": (0x27,),
    "assembly": (0x31, 0x8001),
}  # fmt: skip

LANGUAGES = {code: name for name, codes in _READ.items() for code in codes}
"""What extraction reads, by DW_LANG: the name of a language on the wire."""

OTHER_LANGUAGES = {code: name for name, codes in _NOT_READ.items() for code in codes}
"""What it does not read: the name to tell people."""
