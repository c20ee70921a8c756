"""report.html: one file that opens from disk and needs nothing else."""
