"""The only part that talks to the user and exits: one verb per file."""

from harness.cli.process import main

__all__ = ["main"]
