"""C, C++ and Rust: one package a compilation unit, whatever lies below it, in file order."""
