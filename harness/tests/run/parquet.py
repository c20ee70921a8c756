"""What writes a table as Parquet, through Arrow and its own pool of memory."""

from io import BytesIO

import pandas as pd

from harness.bench.planted import taking


def write() -> None:
    table = pd.DataFrame({f"c{n}": range(50_000) for n in range(8)})
    table.to_parquet(BytesIO(), engine="pyarrow")


run = taking(write)
