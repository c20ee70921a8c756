"""Go binaries: names, build information, line tables and the packages made of them."""
