"""What a file is, told by its first bytes and never by its name. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

HEAD_BYTES = 4096
# Labels come as text; more than so many bytes of it are looked at by nobody.
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class Kind(StrEnum):
    PICTURE = "picture"
    ARCHIVE = "archive"
    TEXT = "text"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Content:
    """`word` is for people ("a JPEG picture"); `endings` are those that a name may have, the usual one first."""

    kind: Kind
    word: str
    endings: tuple[str, ...] = ()


JPEG = Content(Kind.PICTURE, "a JPEG picture", ("jpg", "jpeg", "jpe", "jfif"))
PNG = Content(Kind.PICTURE, "a PNG picture", ("png",))
TIFF = Content(Kind.PICTURE, "a TIFF picture", ("tif", "tiff"))
BMP = Content(Kind.PICTURE, "a BMP picture", ("bmp",))
WEBP = Content(Kind.PICTURE, "a WebP picture", ("webp",))
ZIP = Content(Kind.ARCHIVE, "a zip archive", ("zip",))
TAR = Content(Kind.ARCHIVE, "a tar archive", ("tar",))
GZIP = Content(Kind.ARCHIVE, "a gzip archive", ("tar.gz", "tgz", "gz"))
TEXT = Content(Kind.TEXT, "a text")
EMPTY = Content(Kind.UNKNOWN, "empty")
OTHER = Content(Kind.UNKNOWN, "of a kind that is not known")

_SIGNS: tuple[tuple[int, bytes, Content], ...] = (
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"II*\x00", TIFF),
    (0, b"MM\x00*", TIFF),
    (0, b"II+\x00", TIFF),
    (0, b"MM\x00+", TIFF),
    (0, b"BM", BMP),
    (8, b"WEBP", WEBP),
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"\x1f\x8b", GZIP),
    (257, b"ustar", TAR),
    (0, b"GIF8", Content(Kind.UNKNOWN, "a GIF")),
    (0, b"%PDF", Content(Kind.UNKNOWN, "a PDF")),
    (4, b"ftyphei", Content(Kind.UNKNOWN, "a HEIC picture")),
    (4, b"ftypavif", Content(Kind.UNKNOWN, "an AVIF picture")),
    (4, b"jP  ", Content(Kind.UNKNOWN, "a JPEG 2000 picture")),
    (128, b"DICM", Content(Kind.UNKNOWN, "a DICOM file")),
    (0, b"7z\xbc\xaf\x27\x1c", Content(Kind.UNKNOWN, "a 7z archive")),
    (0, b"Rar!", Content(Kind.UNKNOWN, "a RAR archive")),
    (0, b"MZ", Content(Kind.UNKNOWN, "a program")),
    (0, b"\x7fELF", Content(Kind.UNKNOWN, "a program")),
)


def look(head: bytes) -> Content:
    """What a file is whose first HEAD_BYTES bytes are `head`."""
    if not head:
        return EMPTY
    for place, sign, content in _SIGNS:
        if head[place : place + len(sign)] == sign:
            return content
    return TEXT if _is_text(head) else OTHER


def _is_text(head: bytes) -> bool:
    """No zeros, except in UTF-16, which says so; and hardly any control characters."""
    if head.startswith(_BOMS):
        return True
    odd = sum(byte < 32 and byte not in (9, 10, 12, 13) for byte in head)
    return b"\x00" not in head and odd * 50 < len(head)


# Endings that promise a picture or an archive; whatever else a text is called, a reader will see.
PROMISES = frozenset(ending for content in (JPEG, PNG, TIFF, BMP, WEBP, ZIP, TAR, GZIP) for ending in content.endings)

_PICTURE_ENDINGS = tuple(f".{ending}" for content in (JPEG, PNG, TIFF, BMP, WEBP) for ending in content.endings)


def trouble(content: Content, name: str) -> str:
    """Why a file of this content is not taken, in a sentence; empty when it is."""
    lowered = name.lower()
    if content is EMPTY:
        return "The file is empty."
    if content.kind is Kind.UNKNOWN:
        return (
            f"The file is {content.word}. Fields are taken as JPEG, PNG, TIFF, BMP or WebP, labels as text, "
            "and both in zip or tar.gz archives."
        )
    promised = next((ending for ending in PROMISES if lowered.endswith(f".{ending}")), "")
    if content.kind is Kind.TEXT and promised:
        return f"The name ends with .{promised}, but the file is {content.word}."
    return ""


def fitting_name(content: Content, name: str) -> str:
    """`name` with an ending by which readers know it: a picture called scan.dat is a picture.

    A JPEG called scan.png keeps its name, because labels may speak of it by that.
    """
    if content.kind is not Kind.PICTURE or name.lower().endswith(_PICTURE_ENDINGS):
        return name
    return f"{name}.{content.endings[0]}"
