"""Commands of which only what they say is tried run in this process here, too."""

from harness.tests.cli.conftest import inside

__all__ = ["inside"]
