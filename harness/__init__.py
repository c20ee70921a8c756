"""Measure how much memory an upload pipeline holds at its peak, where, and since when."""
