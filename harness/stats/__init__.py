"""What the samples say: one row per case, comparisons, and whether a claim holds."""
