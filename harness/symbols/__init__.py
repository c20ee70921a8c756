"""ELF and DWARF to a stream of packages. `open_packages` is the way in."""


