"""The door for images: what is refused, what is stripped, and that pixels are never touched."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from annotation.imaging import RefusedImage, ingest, read_rgb
from annotation.imaging.phash import difference_hash

SECRET = b"Erika Mustermann"


def picture(width: int = 61, height: int = 43, mode: str = "RGB") -> Image.Image:
    """Smooth colours with some noise, different in every corner."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(3).integers(0, 40, (height, width, 3))
    rgb = np.stack([x * 3, y * 4, (x + y) * 2], axis=-1) + noise
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).convert(mode)


def secret_exif(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x013B] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 15.0)
    return exif.tobytes()


def save(path: Path, image: Image.Image, fmt: str, **settings: object) -> Path:
    image.save(path, fmt, **settings)
    return path


def seen(path: Path) -> np.ndarray:
    """Pixels as Pillow shows them, before and after."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_is_stripped_in_place(tmp_path: Path, orientation: int, progressive: bool) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = save(
        tmp_path / "a.jpg",
        picture(),
        "JPEG",
        exif=secret_exif(orientation),
        comment=SECRET,
        xmp=b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>",
        icc_profile=profile,
        progressive=progressive,
        restart_marker_rows=1,
    )
    iptc = b"Photoshop 3.0\x00" + SECRET
    data = source.read_bytes()
    data = data[:2] + b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc + data[2:] + b"behind " + SECRET
    source.write_bytes(data)
    assert data.count(SECRET) == 5

    stored = ingest(source, tmp_path / "store")

    content = (tmp_path / "store" / stored.path).read_bytes()
    assert SECRET not in content
    assert b"GPS" not in content
    assert content.endswith(b"\xff\xd9")
    assert data[data.index(b"\xff\xda") : data.rindex(b"\xff\xd9")] in content  # coded pixels byte for byte
    assert np.array_equal(seen(tmp_path / "store" / stored.path), seen(source))
    assert np.array_equal(read_rgb(tmp_path / "store" / stored.path), seen(source))
    assert (stored.width, stored.height) == ((43, 61) if orientation == 6 else (61, 43))
    with Image.open(io.BytesIO(content)) as again:
        assert again.info["icc_profile"] == profile
        assert dict(again.getexif()) == ({} if orientation == 1 else {0x0112: orientation})


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_png_is_stripped_in_place(tmp_path: Path, mode: str) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", SECRET.decode())
    text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    settings = {"transparency": 3} if mode == "P" else {}
    source = save(
        tmp_path / "a.png", picture(mode=mode), "PNG", pnginfo=text, exif=secret_exif(8), dpi=(300, 300), **settings
    )
    source.write_bytes(source.read_bytes() + SECRET)

    stored = ingest(source, tmp_path / "store")

    content = (tmp_path / "store" / stored.path).read_bytes()
    assert SECRET not in content
    assert (stored.width, stored.height, stored.orientation) == (43, 61, 8)
    with Image.open(source) as before, Image.open(io.BytesIO(content)) as after:
        assert after.mode == before.mode
        assert np.array_equal(np.asarray(after), np.asarray(before))
        assert after.info["dpi"] == before.info["dpi"]
        assert after.info.get("transparency") == before.info.get("transparency")
    assert read_rgb(tmp_path / "store" / stored.path).shape == (61, 43, 3)


@pytest.mark.parametrize(("mode", "fmt"), [("CMYK", "JPEG"), ("L", "JPEG")])
def test_grey_and_cmyk_jpeg_are_kept_as_they_are(tmp_path: Path, mode: str, fmt: str) -> None:
    source = save(tmp_path / "a.jpg", picture(mode=mode), fmt)
    stored = ingest(source, tmp_path / "store")
    with Image.open(tmp_path / "store" / stored.path) as after:
        assert after.mode == mode
    assert np.array_equal(read_rgb(tmp_path / "store" / stored.path), seen(source))


@pytest.mark.parametrize(
    ("fmt", "mode", "settings"),
    [
        ("TIFF", "RGB", {"tiffinfo": {270: SECRET.decode(), 274: 6}, "compression": "tiff_lzw"}),
        ("TIFF", "L", {"tiffinfo": {315: SECRET.decode()}}),
        ("TIFF", "P", {"tiffinfo": {315: SECRET.decode()}}),
        ("BMP", "RGB", {}),
        ("WEBP", "RGB", {"exif": secret_exif(6), "quality": 80}),
        ("WEBP", "RGBA", {"lossless": True, "xmp": SECRET}),
    ],
)
def test_other_formats_become_png_without_loss(
    tmp_path: Path, fmt: str, mode: str, settings: dict[str, object]
) -> None:
    source = save(tmp_path / "a.any", picture(mode=mode), fmt, **settings)
    stored = ingest(source, tmp_path / "store")
    content = (tmp_path / "store" / stored.path).read_bytes()
    assert SECRET not in content
    assert (stored.format, stored.orientation) == ("png", 1)
    assert np.array_equal(read_rgb(tmp_path / "store" / stored.path), seen(source))
    assert (stored.height, stored.width) == seen(source).shape[:2]


def test_small_pages_of_a_tiff_are_left_behind(tmp_path: Path) -> None:
    label = picture(12, 9)
    label.encoderinfo = {"tiffinfo": {254: 1, 270: SECRET.decode()}}
    source = save(tmp_path / "a.tif", picture(), "TIFF", save_all=True, append_images=[label])
    stored = ingest(source, tmp_path / "store")
    assert np.array_equal(read_rgb(tmp_path / "store" / stored.path), np.asarray(picture()))


def test_the_same_image_twice_writes_nothing(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png", picture(), "PNG")
    first = ingest(source, tmp_path / "store")
    before = (tmp_path / "store" / first.path).stat()
    assert ingest(source, tmp_path / "store") == first
    assert (tmp_path / "store" / first.path).stat() == before
    assert [file.name for file in (tmp_path / "store").rglob("*") if file.is_file()] == [Path(first.path).name]
    assert first.path == f"{first.sha256[:2]}/{first.sha256}.png"


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes unpack to."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def deep_tiff() -> bytes:
    import tifffile

    out = io.BytesIO()
    tifffile.imwrite(out, np.zeros((8, 9, 3), dtype=np.uint16), photometric="rgb")
    return out.getvalue()


def encoded(image: Image.Image, fmt: str, **settings: object) -> bytes:
    out = io.BytesIO()
    image.save(out, fmt, **settings)
    return out.getvalue()


REFUSED = {
    "empty": (b"", "empty"),
    "text": (b"not a picture at all", "damaged or of another kind"),
    "svg.jpg": (b'<?xml version="1.0"?><svg xmlns="x"><script/></svg>', "an SVG drawing"),
    "gif.jpg": (encoded(picture(mode="P"), "GIF"), "a GIF"),
    "html.jpg": (b"<!DOCTYPE html><html></html>", "a web page"),
    "bomb": (bomb(12000, 12000), "too large: 12000 x 12000 is 144 megapixels, the limit is 100"),
    "large bomb": (bomb(60000, 60000), "too large"),
    "cut jpeg": (encoded(picture(200, 150), "JPEG")[:-900], "truncated"),
    "jpeg without an end": (encoded(picture(), "JPEG")[:-2], "truncated"),
    "cut png": (encoded(picture(), "PNG")[:-400], "truncated"),
    "png without an end": (encoded(picture(), "PNG")[:-12], "truncated"),
    "16-bit grey png": (encoded(Image.fromarray(np.zeros((5, 6), dtype=np.uint16)), "PNG"), "save it as 8-bit RGB"),
    "16-bit rgb tiff": (deep_tiff(), "save it as 8-bit RGB"),
    "float tiff": (encoded(Image.fromarray(np.zeros((5, 6), dtype=np.float32)), "TIFF"), "save it as 8-bit RGB"),
    "cmyk tiff": (encoded(picture(mode="CMYK"), "TIFF"), "CMYK"),
    "two pages": (encoded(picture(), "TIFF", save_all=True, append_images=[picture()]), "2 pages"),
    "animated png": (encoded(picture(), "PNG", save_all=True, append_images=[picture(mode="L")]), "animated"),
    "animated webp": (encoded(picture(), "WEBP", save_all=True, append_images=[picture(mode="L")]), "animated"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_plain_words_and_nothing_stored(tmp_path: Path, name: str) -> None:
    content, reason = REFUSED[name]
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(RefusedImage, match=reason):
        ingest(tmp_path / "a.jpg", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_damaged_bytes_are_refused_or_read_and_never_crash(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    for fmt in ("JPEG", "PNG", "TIFF", "BMP", "WEBP"):
        whole = encoded(picture(), fmt, **({} if fmt == "BMP" else {"exif": secret_exif(6)}))
        for turn in range(25):
            data = bytearray(whole[: int(random.integers(1, len(whole)))] if turn % 2 else whole)
            for place in random.integers(0, len(data), 3):
                data[place] ^= int(random.integers(1, 256))
            (tmp_path / "a").write_bytes(data)
            try:
                ingest(tmp_path / "a", tmp_path / "store", max_megapixels=1)
            except RefusedImage as refusal:
                assert str(refusal).endswith(".")  # noqa: PT017 (refusal and success are both right here)


def test_hash_tells_near_copies_from_other_pictures() -> None:
    image = picture(200, 160)
    jpeg = Image.open(io.BytesIO(encoded(image, "JPEG", quality=60)))
    other = ImageOps.mirror(image)
    assert 0 <= difference_hash(image) < 2**64
    assert (difference_hash(image) ^ difference_hash(jpeg)).bit_count() <= 6
    assert (difference_hash(image) ^ difference_hash(other)).bit_count() > 20
