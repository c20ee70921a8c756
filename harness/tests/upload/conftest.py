from __future__ import annotations

from harness.tests.intake.conftest import intake

__all__ = ["intake"]
