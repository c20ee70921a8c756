"""What every test may rely on, however the tests were started."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Shells start what runs in the background with Ctrl-C ignored, children inherit that, and harness
# respects it: the tests that interrupt a run would wait for an end that does not come.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Commands get a cache of their own; matplotlib would search the machine for fonts in each.
os.environ.setdefault("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib"))

# A loaded machine is slow, and no example of ours is wrong for that. `tox -e slow` takes the long
# profile, with as many examples as find what there is to find.
_PATIENT = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
settings.register_profile("quick", deadline=None, max_examples=10, suppress_health_check=_PATIENT)
settings.register_profile("long", settings.get_profile("quick"), max_examples=200)
settings.load_profile("quick")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed of all examples here, so that a run that fails can be told how to repeat."""
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = random.SystemRandom().randrange(2**32)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how to repeat the examples of this run."""
    terminalreporter.write_line(f"examples: --hypothesis-seed={config.option.hypothesis_seed}")
