"""The verdict as people and CI services read it: Markdown, JUnit XML, a table in a terminal."""
