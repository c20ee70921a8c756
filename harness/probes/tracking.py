"""memray, as all that uses it here imports it: without the packages that show its progress."""

from harness.probes.placeholders import without

with without("rich"):
    from memray import FileDestination, FileFormat, FileReader, Tracker

__all__ = ["FileDestination", "FileFormat", "FileReader", "Tracker"]
