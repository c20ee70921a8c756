"""Remove a directory when whoever started this is gone, by whatever signal.

Run as `python -I -S remover.py DIRECTORY`, standard library only. Workers that are being killed by
their launchers meanwhile may still make a file or two.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Wait for the end of standard input, then remove."""
    os.read(0, 1)
    for _ in range(100):
        if not os.path.lexists(sys.argv[1]):
            return
        import shutil  # noqa: PLC0415 - mostly nothing is left to do, and this takes a while

        shutil.rmtree(sys.argv[1], ignore_errors=True)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
