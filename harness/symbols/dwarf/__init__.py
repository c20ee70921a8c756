"""A small DWARF reader that keeps nothing: DWARF 2 to 5, any byte order, one window at a time."""
