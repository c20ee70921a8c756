"""One instrument a module; each runs alone, in a process of its own."""
