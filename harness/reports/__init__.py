"""The same summary as Markdown, as a terminal table and as one JSON document."""
