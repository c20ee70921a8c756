"""Start the worker, without what its tools would load and it never uses: `-m harness.run.start`."""

from __future__ import annotations

from harness.probes.placeholders import missing

STAGE = "other"


def main() -> None:
    """Do the job on standard input."""
    with missing("typing_extensions"):
        from harness.run.worker import main as work  # noqa: PLC0415  after what is not to be loaded
    work()


if __name__ == "__main__":
    main()
