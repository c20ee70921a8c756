"""What prints ratios, and what plants faults: nothing that a measurement needs."""
