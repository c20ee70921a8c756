"""`python -m harness`."""

import errno
import signal
import sys

# Importing takes a moment, and Ctrl-C in it should not end in a traceback: `main` takes over then.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

try:
    from harness.cli import main
except (MemoryError, SystemError, OSError, ImportError) as error:
    # SystemError is what CPython makes of an import for which it finds no memory.
    short = (
        isinstance(error, (MemoryError, SystemError)) or getattr(error, "errno", 0) == errno.ENOMEM
    )
    if not short and "failed to map segment" not in str(error):
        raise
    sys.stderr.write("error: this process may have no more memory, not even to start (ulimit -v)\n")
    sys.exit(2)

main()
