"""What the samples say: one row a case, comparisons, and whether a claim holds."""
