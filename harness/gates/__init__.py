"""Gates: what a suite demands of a run, and the decision that follows from it."""
