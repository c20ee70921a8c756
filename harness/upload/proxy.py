"""The proxy that the environment names, if a request through it can be kept within limits."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes
from urllib.request import getproxies, proxy_bypass

from msgspec import Struct
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, make_headers, parse_url

from harness.errors import ConfigError
from harness.upload.texts import Secret, can_be_host


class Proxy(Struct, frozen=True):
    """A proxy: its URL without credentials, and what it is told to let us through.

    `secrets` are the credentials in every form in which the proxy may show them to us.
    """

    url: str
    authorization: Secret | None = None
    secrets: tuple[Secret, ...] = ()

    def headers(self) -> dict[str, str]:
        """Return the headers for the proxy, credentials revealed."""
        if self.authorization is None:
            return {}
        return {"Proxy-Authorization": self.authorization.reveal()}


def find_proxy(url: Url) -> Proxy | None:
    """Return the proxy that the environment names for `url`, if it names one.

    A proxy that is itself spoken to over TLS is refused: urllib3 then puts TLS into TLS, or sends
    through sockets of its own making, and neither obeys our guards.

    Raises:
        ConfigError: It is not an http:// proxy of a possible host.
    """
    text = getproxies().get(url.scheme or "")
    if text is None or proxy_bypass(url.host or ""):
        return None
    try:
        proxy = parse_url(text)
    except LocationParseError:
        proxy = Url()
    if proxy.scheme != "http" or not proxy.host or not can_be_host(proxy.host):
        raise ConfigError(  # the URL itself may hold a password
            f"the proxy in {url.scheme}_proxy cannot be used: it is no http:// URL of a host",
            remedy="write it like http://proxy.example:3128, or exempt the host with no_proxy",
        )
    return _with_credentials(proxy)


def _with_credentials(proxy: Url) -> Proxy:
    bare = Url("http", None, proxy.host, proxy.port).url
    if not proxy.auth:
        return Proxy(bare)
    # Sent as the very bytes that the URL spells, in whatever encoding those are.
    credentials = unquote_to_bytes(proxy.auth).decode("latin-1")
    value = make_headers(proxy_basic_auth=credentials)["proxy-authorization"]
    password = credentials.partition(":")[2]
    shown = [value.partition(" ")[2], proxy.auth, credentials, password]
    return Proxy(bare, Secret(value), tuple(Secret(text) for text in shown if text))
