"""What every test may rely on, however the tests were started."""

from __future__ import annotations

import signal

# Shells start what runs in the background with Ctrl-C ignored, children inherit that, and harness
# respects it: the tests that interrupt a run would wait for an end that does not come.
signal.signal(signal.SIGINT, signal.default_int_handler)
