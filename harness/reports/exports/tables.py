"""Every measurement as one long table, for whatever reads tables."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import pandas as pd

from harness.errors import ConfigError
from harness.reports.exports.measurements import Measurement

_DECLARED = ("exact", "better")  # of the metric, not of the value


def render_csv(measurements: Sequence[Measurement]) -> bytes:
    """Return CSV as RFC 4180 has it but for the line ends; values are exact."""
    text: str = _frame(measurements).to_csv(index=False, lineterminator="\n")
    return text.encode()


def render_parquet(measurements: Sequence[Measurement]) -> bytes:
    """Return one Parquet file.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    target = BytesIO()
    try:
        _frame(measurements).to_parquet(target, index=False)
    except ImportError as error:
        raise ConfigError(
            "Parquet needs pyarrow, which is not installed",
            remedy="python -m pip install 'harness[parquet]'",
        ) from error
    return target.getvalue()


def _frame(measurements: Sequence[Measurement]) -> pd.DataFrame:
    columns = [name for name in Measurement.__struct_fields__ if name not in _DECLARED]
    return pd.DataFrame(
        {name: [getattr(m, name) for m in measurements] for name in columns}, columns=columns
    )
