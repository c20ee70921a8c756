"""The pytest plugin: the peak heap of a test's body, measured in a fresh process and judged."""
