"""The only part that talks to the user and exits: one verb a file."""

from harness.cli.app import main

__all__ = ["main"]
