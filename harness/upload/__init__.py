"""Both ends of an upload: the HTTP client with its retry rules, and the loopback intake."""
