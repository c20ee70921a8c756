"""Plan, launch and judge measurements: one replicate, one process."""
