"""Remove a directory when whoever started this is gone, by whatever signal.

Run as `python -I -S remover.py DIRECTORY`, standard library only. End of file on standard input
tells that it is time. The workers are being killed by their launchers meanwhile, and may still
make a file or two.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Wait, then remove."""
    directory = sys.argv[1]
    os.read(0, 1)
    import shutil  # noqa: PLC0415 - mostly nothing is left to do, and this is what takes time

    for _ in range(100):
        if not os.path.lexists(directory):
            return
        shutil.rmtree(directory, ignore_errors=True)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
