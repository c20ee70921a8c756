"""The loopback receiver that runs post to, and the client with which measured processes do so."""

COUNT_PATH = "/count/symdb/v1/input"
"""Takes batches whose framing is right, and leaves the scopes alone: cheap, for measured runs."""

VERIFY_PATH = "/verify/symdb/v1/input"
"""Reads every scope, checks it against the schema, and keeps a digest."""

LEDGER_PREFIX = "/ledger/"
"""In front of an upload id: tells what was accepted of it."""
