"""A service's logo: a small PNG. It is read chunk by chunk, and only what draws the picture is kept."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator

from common import limits
from common.errors import PortalError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")  # the rest may hold texts, places, other pictures
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each type of colour
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def address(logo: bytes | memoryview | None) -> str:
    """The picture as an address that a page can show by itself (`data:`); empty where there is none."""
    return f"data:image/png;base64,{base64.b64encode(logo).decode()}" if logo else ""


def checked(data: bytes) -> bytes:
    """The picture without what it does not need. Raises PortalError: logo_large, logo_no_png, logo_size."""
    if len(data) > limits.OPENID_LOGO_BYTES:
        raise PortalError("logo_large", kilobytes=limits.OPENID_LOGO_BYTES // 1024)
    chunks = [(name, body) for name, body in _chunks(data) if name in _KEPT]
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1] != (b"IEND", b"") or len(chunks[0][1]) != 13:
        raise PortalError("logo_no_png")
    if [name for name, _body in chunks].count(b"IHDR") != 1:
        raise PortalError("logo_no_png")
    _check_picture(chunks[0][1], b"".join(body for name, body in chunks if name == b"IDAT"))
    return _SIGNATURE + b"".join(_written(name, body) for name, body in chunks)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks up to IEND, each with a right checksum; nothing stands behind it."""
    if not data.startswith(_SIGNATURE):
        raise PortalError("logo_no_png")
    place, name = len(_SIGNATURE), b""
    while name != b"IEND":
        if place + 12 > len(data):
            raise PortalError("logo_no_png")
        length, name = struct.unpack(">I4s", data[place : place + 8])
        body, end = data[place + 8 : place + 8 + length], place + 12 + length
        if end > len(data) or zlib.crc32(name + body) != int.from_bytes(data[end - 4 : end]):
            raise PortalError("logo_no_png")
        yield name, body
        place = end
    if place != len(data):
        raise PortalError("logo_no_png")


def _check_picture(header: bytes, packed: bytes) -> None:
    """The sides are within the limits, and the data are as many as they say: a bomb is never unpacked."""
    width, height, depth, colour, compression, filtering, interlaced = struct.unpack(">IIBBBBB", header)
    least, most = limits.OPENID_LOGO_SIDES
    if not (least <= width <= most and least <= height <= most):
        raise PortalError("logo_size", least=least, most=most)
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlaced:
        raise PortalError("logo_no_png")
    size = height * (1 + (width * depth * _CHANNELS[colour] + 7) // 8)
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed, size + 1)
    except zlib.error:
        raise PortalError("logo_no_png") from None
    if len(unpacked) != size:
        raise PortalError("logo_no_png")


def _written(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
