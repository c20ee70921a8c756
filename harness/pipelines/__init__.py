"""The pipelines under test: how a stream of packages becomes compressed batches on the wire."""
