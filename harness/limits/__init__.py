"""Memory limits that the kernel enforces on one process: which there are, and what to try next."""
