"""A parser of HTTP/1.1 to which a request to upgrade is a request as any other.

A server may ignore Upgrade (RFC 9110, 7.8), and clients ask for it that want no other protocol
than this: Java's asks for h2c with every body. The parser of httptools takes what follows such a
head for another protocol, whose bytes it then reads as requests. Here the head is read again
without what asks for it, and what follows is its body.
"""

from __future__ import annotations

from collections.abc import Sequence

import httptools

CONNECT = b"CONNECT"


class Parser(httptools.HttpRequestParser):
    """The parser of httptools, without another protocol."""

    again = b""
    """A head that is about to be read again."""

    def takes_again(self, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Say whether a head asks for another protocol; then it is read again, without that.

        Raises
        ------
        ValueError
            For CONNECT, behind which there is no HTTP.
        """
        if not self.should_upgrade():
            return False
        method = self.get_method()
        if method == CONNECT:
            raise ValueError("this is no proxy")
        first = b"%s %s HTTP/%s" % (method, url, self.get_http_version().encode())
        lines = [b"%s: %s" % (name, said) for name, said in headers if name != b"upgrade"]
        self.again = b"\r\n".join([first, *lines, b"", b""])
        return True

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        """Parse what came."""
        while data:
            try:
                super().feed_data(data)
                return
            except httptools.HttpParserUpgrade as found:
                data, self.again = self.again + data[found.args[0] :], b""
