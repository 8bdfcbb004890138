"""JPEG and PNG files without what can name a patient, their pixels byte for byte as they were.

JPEG: ITU-T T.81 annex B (markers), with JFIF, ICC and Adobe segments kept. PNG: ISO/IEC 15948 clause 5 (chunks).
Both end where the picture ends: bytes behind it are dropped. Raises ValueError where a file breaks off.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

_SOI, _EOI, _SOS, _COM, _APP0 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE0
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
# In the coded pixels 0xFF is followed by 0x00, by a restart marker or by more 0xFF; anything else is the next segment.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

PNG_MARK = b"\x89PNG\r\n\x1a\n"
_KNOWN_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_KEPT_CHUNKS = _KNOWN_CHUNKS | {b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"pHYs", b"sBIT"}
_TRUNCATED = "the file breaks off before the picture ends"


def minimal_exif(orientation: int) -> bytes:
    """A TIFF header and one directory that holds the orientation and nothing else."""
    return b"MM\x00\x2a\x00\x00\x00\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def strip_jpeg(data: bytes, orientation: int) -> bytes:
    """The same picture with its JFIF, ICC and Adobe segments, and its orientation unless that is 1."""
    out = [b"\xff\xd8"]
    exif = b"Exif\x00\x00" + minimal_exif(orientation) if orientation != 1 else b""
    pending = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif if exif else b""
    for marker, segment in _jpeg_segments(data):
        if marker != _APP0:  # JFIF wants to stand first
            out.append(pending)
            pending = b""
        out.append(_kept(marker, segment))
    return b"".join(out)


def _kept(marker: int, segment: bytes) -> bytes:
    """A segment as it goes into the store; empty when it does not."""
    body = segment[4:]
    if marker == _APP0:  # JFIF may carry a small picture of its own: it is cut off
        return (
            b"\xff\xe0\x00\x10" + body[:12] + b"\x00\x00" if body.startswith(b"JFIF\x00") and len(body) >= 14 else b""
        )
    if marker == 0xE2:
        return segment if body.startswith(b"ICC_PROFILE\x00") else b""
    if marker == 0xEE:
        return segment[:16] if body.startswith(b"Adobe") and len(segment) == 16 else b""
    return b"" if marker == _COM or 0xE0 <= marker <= 0xEF else segment


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and bytes of each segment; that of a scan includes its coded pixels. The last one is the end marker."""
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if len(data) < at + 2:
            raise ValueError(_TRUNCATED)
        if data[at] != 0xFF:
            raise ValueError(f"no JPEG segment begins at byte {at}")
        marker = data[at + 1]
        if marker == _EOI:
            yield marker, b"\xff\xd9"
            return
        end = at + 2 if marker in _ALONE else _end_of_segment(data, at, marker)
        yield marker, data[at:end]
        at = end


def _end_of_segment(data: bytes, at: int, marker: int) -> int:
    if len(data) < at + 4:
        raise ValueError(_TRUNCATED)
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    if marker == _SOS:
        found = _NEXT_MARKER.search(data, end)
        if found is None:
            raise ValueError(_TRUNCATED)
        return found.start()
    if end > len(data):
        raise ValueError(_TRUNCATED)
    if marker in _FRAMES and data[at + 4] != 8:
        raise ValueError(f"it has {data[at + 4]} bits a sample; save it as 8-bit RGB")
    return end


def strip_png(data: bytes, orientation: int) -> bytes:
    """The same picture with the chunks that say how its pixels are meant, and its orientation unless that is 1."""
    out = [PNG_MARK]
    for name, chunk in _png_chunks(data):
        if name[:1].isupper() and name not in _KNOWN_CHUNKS:
            raise ValueError(f"it needs a chunk {name.decode('ascii', 'replace')} that is no standard PNG")
        if name in _KEPT_CHUNKS:
            out.append(chunk)
        if name == b"IHDR" and orientation != 1:
            out.append(_chunk(b"eXIf", minimal_exif(orientation)))
    return b"".join(out)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and bytes of each chunk up to IEND, checksums checked."""
    at = len(PNG_MARK)
    while True:
        if len(data) < at + 12:
            raise ValueError(_TRUNCATED)
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            raise ValueError(_TRUNCATED)
        name = data[at + 4 : at + 8]
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError(f"the checksum of chunk {name.decode('ascii', 'replace')} is wrong: the file is damaged")
        yield name, data[at:end]
        if name == b"IEND":
            return
        at = end
