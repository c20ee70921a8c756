"""Find the browser that the page is tested in; run as a program, say in one line if there is none.

A browser of the system is driven, because a test environment should not download one.
"""

from __future__ import annotations

import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
REMEDY = "no Chromium found: the page is tested in a real one; apt-get install chromium"


def find_chromium() -> str:
    """Return the path of the browser, or nothing."""
    return next(filter(None, map(shutil.which, NAMES)), "")


if __name__ == "__main__":
    sys.exit(None if find_chromium() else REMEDY)
