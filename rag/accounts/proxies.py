"""Where a connection comes from, and which reverse proxies are believed when they say so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import unquote

from rag.errors import SettingsError

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The addresses and networks whose headers are believed."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> TrustedProxies:
        """Return the proxies of a setting: addresses and networks, divided by commas. Raises SettingsError.

        >>> proxies = TrustedProxies.parse("10.1.2.3, 192.168.0.0/24, ::1")
        >>> [proxies.holds(address) for address in ("10.1.2.3", "192.168.0.9", "::ffff:192.168.0.9", "10.1.2.4", "host", "")]
        [True, True, True, False, False, False]
        """
        try:
            names = filter(None, re.split(r"[,、\s]+", text or ""))
            return cls(tuple(ip_network(name) for name in names))
        except ValueError as error:
            raise SettingsError(
                f"設定 trusted_proxies の値が正しくありません: {text!r}",
                "アドレスか範囲をコンマで区切って書いてください（例: 10.1.2.3, 192.168.10.0/24）。",
            ) from error

    def holds(self, address: str) -> bool:
        """Tell whether an address is one of these."""
        found = read_address(address)
        return found is not None and any(found in network for network in self.networks)

    def client_address(self, connection: HTTPConnection) -> str:
        """Return where a request began: behind trusted proxies the last address that none of them has, else the other end."""
        address = peer_address(connection)
        said = [part.strip() for line in connection.headers.getlist("x-forwarded-for") for part in line.split(",")]
        while said and self.holds(address) and read_address(said[-1]) is not None:
            address = said.pop()
        return address

    def is_secure(self, connection: HTTPConnection) -> bool:
        """Tell whether the browser speaks HTTPS, with us or with a trusted proxy."""
        if connection.url.scheme in ("https", "wss"):
            return True
        said = connection.headers.get("x-forwarded-proto", "").strip().lower()
        return said == "https" and self.holds(peer_address(connection))


def peer_address(connection: HTTPConnection) -> str:
    """Return the address of the other end of the connection; "" where it has none."""
    return connection.client.host if connection.client else ""


def is_at_this_machine(connection: HTTPConnection) -> bool:
    """Tell whether a request comes from this machine, was made for it by name, and passed no proxy.

    The name guards against a foreign page whose own name was made to point here.
    """
    address = read_address(peer_address(connection))
    host = read_address(connection.url.hostname or "")
    is_ours = connection.url.hostname == "localhost" or (host is not None and host.is_loopback)
    forwarded = any(name in connection.headers for name in FORWARDED)
    return address is not None and address.is_loopback and is_ours and not forwarded


def is_loopback_host(host: str) -> bool:
    """Tell whether a server that listens there can be reached from this machine only.

    >>> [is_loopback_host(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "::", "192.168.1.5", "")]
    [True, True, True, False, False, False, False]
    """
    address = read_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, that of IPv4 where it is written as one of IPv6; None where a text is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def read_header(connection: HTTPConnection, name: str | None) -> str | None:
    """Return the one value of a header, in UTF-8 where it is; None without it, or where it comes more than once.

    Proxies write names that are not ASCII as UTF-8 or percent-encoded.
    """
    values = connection.headers.getlist(name) if name else []
    if len(values) != 1:
        return None
    try:
        value = values[0].encode("latin-1").decode("utf-8")
    except UnicodeError:
        value = values[0]
    return unquote(value).strip() or None


def is_foreign(headers: Mapping[str, str], host: str) -> bool:
    """Tell whether a browser sent a request that a page of another site began. host: as the browser knows us.

    >>> [is_foreign({"origin": origin}, "town:80") for origin in ("http://town:80", "http://evil", "null")]
    [False, True, True]
    >>> is_foreign({}, "town"), is_foreign({"sec-fetch-site": "same-origin", "origin": "null"}, "town")
    (False, False)
    """
    if site := headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != host
