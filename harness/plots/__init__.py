"""Pictures, each a registered extension that answers one question."""
