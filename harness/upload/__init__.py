"""Uploading over a real network: the client, its retries, and a journal to go on by."""
