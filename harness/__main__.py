"""`python -m harness`."""

import signal

# Importing takes a moment, and Ctrl-C in it should not end in a traceback: `main` takes over then.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from harness.cli import main

main()
