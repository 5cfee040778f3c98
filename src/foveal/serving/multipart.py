"""The parts of a multipart body, in memory: nothing of it touches the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from foveal.serving.refusals import Refused
from foveal.wording import counted

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

LONGEST_NAME = 255
"""Letters of the name of a part that are kept."""


@dataclass(slots=True)
class Part:
    """One part of a body."""

    headers: dict[str, bytes] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)

    @property
    def name(self) -> str:
        """Name of the file as whoever sent it says, else of the field; only ever told back."""
        _, options = parse_options_header(self.headers.get("content-disposition", b""))
        said = options.get(b"filename") or options.get(b"name") or b""
        return said.decode("utf-8", "replace")[:LONGEST_NAME]


def parts_of(body: bytes, boundary: bytes, most: int) -> list[Part]:
    """Split a multipart body.

    Raises
    ------
    Refused
        With 400 for what is no multipart body, or cut short; with 413 for more than `most` parts.
    """
    reader = _Reader(most)
    try:
        parser = MultipartParser(boundary, reader.callbacks(), max_header_count=16)
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise _malformed(str(error)[:120]) from error
    if not reader.ended:
        raise _malformed("one without its end")
    return reader.parts


def _malformed(came: str) -> Refused:
    return Refused(
        400,
        "the body",
        needed="a whole multipart/form-data body",
        came=came,
        remedy="let the client make it, as curl -F does",
    )


class _Reader:
    """Gathers what the parser finds."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.parts: list[Part] = []
        self.ended = False
        self._name = self._value = b""

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_header_field": self._field,
            "on_header_value": self._said,
            "on_header_end": self._header,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) == self.most:
            raise Refused(
                413,
                "the body",
                needed=f"at most {counted(self.most, 'picture')}",
                came="more",
                remedy="send them in several requests",
            )
        self.parts.append(Part())

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].data += data[start:end]

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _said(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self.parts[-1].headers[self._name.decode("latin-1").lower()] = self._value
        self._name = self._value = b""

    def _end(self) -> None:
        self.ended = True
