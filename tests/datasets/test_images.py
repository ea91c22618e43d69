"""Images as inputs: lazy, identified by their bytes, with errors that name them."""

from __future__ import annotations

import hashlib
import io
import pickle
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from hybrid_bench import HybridBenchError, Image
from hybrid_bench.datasets.images import modality_of
from tests.mutations import mutated


def png(color: tuple[int, int, int] = (200, 30, 60), size: tuple[int, int] = (9, 5)) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_file_is_read_when_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    image = Image.from_path(path)
    path.write_bytes(png())
    assert image.sha256 == hashlib.sha256(png()).hexdigest()
    opened = image.open()
    assert (opened.size, opened.mode, opened.getpixel((8, 4))) == ((9, 5), "RGB", (200, 30, 60))


def test_the_hash_of_a_file_is_computed_once(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    path.write_bytes(png())
    image = Image.from_path(str(path))
    before = image.sha256
    path.unlink()
    assert image.sha256 == before


def test_a_relative_path_stays_valid_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "red.png").write_bytes(png())
    monkeypatch.chdir(tmp_path)
    image = Image.from_path("red.png")
    monkeypatch.chdir("/")
    assert image.read() == png()
    assert image.name == "red.png"


def test_images_are_equal_if_their_bytes_are(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png())
    images = [Image.from_path(tmp_path / "red.png"), Image.from_bytes(png(), "copy"), Image.from_bytes(png((0, 0, 0)), "black")]
    assert images[0] == images[1] != images[2]
    assert len(set(images)) == 2
    assert images[0] != str(tmp_path / "red.png")


@pytest.mark.parametrize("from_bytes", [True, False])
def test_an_image_can_be_pickled(tmp_path: Path, from_bytes: bool) -> None:
    (tmp_path / "red.png").write_bytes(png())
    image = Image.from_bytes(png(), "red") if from_bytes else Image.from_path(tmp_path / "red.png")
    copied = pickle.loads(pickle.dumps(image))  # noqa: S301
    assert (copied, copied.name) == (image, image.name)
    np.testing.assert_array_equal(np.asarray(copied.open()), np.asarray(image.open()))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    image = Image.from_path(tmp_path / "missing.png")
    for use in (lambda: image.sha256, image.open):
        with pytest.raises(HybridBenchError, match=r"cannot read the image .*/missing\.png: No such file or directory\n  Check"):
            use()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not in an image format that Pillow knows"),
        (b"GIF89a", "."),
        (b"<html></html>", "not in an image format that Pillow knows"),
        (png(size=(300, 300))[:-40], "truncated"),
        (png()[:60] + bytes(20) + png()[80:], "."),
    ],
    ids=["empty", "header only", "another format", "truncated", "corrupt"],
)
def test_what_is_not_an_image_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(HybridBenchError, match=rf"cannot decode the image photo 7: .*{reason}.*\n  It may be truncated"):
        Image.from_bytes(content, "photo 7").open()


def test_an_image_of_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(HybridBenchError, match=r"cannot decode the image bomb: .*pixels"):
        Image.from_bytes(png(), "bomb").open()


def test_without_pillow_only_decoding_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.from_bytes(png())
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert image.sha256
    with pytest.raises(HybridBenchError, match=r"needs the package 'PIL'.*\n  Run: .*hybrid-bench\[images\]"):
        image.open()


def test_the_modality_of_inputs() -> None:
    assert modality_of([]) == modality_of(["a", ""]) == "text"
    assert modality_of([Image.from_bytes(b"")]) == "image"
    with pytest.raises(HybridBenchError, match=r"of the types Image, str\n  Encode texts \(str\) or images"):
        modality_of(["a", Image.from_bytes(b"")])
    with pytest.raises(HybridBenchError, match="of the types bytes"):
        modality_of([b"a"])


def encoded(picture: PIL.Image.Image, file_format: str = "PNG", **options: Any) -> Image:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return Image.from_bytes(buffer.getvalue(), "odd")


def test_an_image_is_rotated_as_its_exif_data_say() -> None:
    picture = PIL.Image.new("RGB", (8, 4))
    picture.putpixel((0, 0), (255, 255, 255))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise
    upright = encoded(picture, exif=exif).rgb()
    assert upright.size == (4, 8)
    assert upright.getpixel((3, 0)) == (255, 255, 255)


def test_of_16_bits_the_upper_8_are_kept() -> None:
    pixels = np.array([[0, 255, 256], [32768, 40000, 65535]], dtype=np.uint16)
    found = np.asarray(encoded(PIL.Image.fromarray(pixels)).rgb())
    np.testing.assert_array_equal(found[:, :, 0], pixels >> 8)
    assert (found == found[:, :, :1]).all()


def test_of_an_animation_the_first_frame_is_read() -> None:
    frames = [PIL.Image.new("RGB", (6, 6), colour) for colour in ((250, 0, 0), (0, 250, 0))]
    for file_format in ("GIF", "PNG", "WEBP"):
        options = {"lossless": True} if file_format == "WEBP" else {}
        animated = encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
        assert animated.rgb().getpixel((2, 2)) == (250, 0, 0), file_format


def test_four_channels_of_print_and_palettes_are_converted() -> None:
    red = PIL.Image.new("RGB", (16, 16), (250, 0, 0))
    found = encoded(red.convert("CMYK"), "JPEG", quality=100).rgb().getpixel((8, 8))
    np.testing.assert_allclose(found, (250, 0, 0), atol=6)
    palette = red.convert("P", palette=PIL.Image.Palette.ADAPTIVE)
    assert encoded(palette, transparency=0).rgb().getpixel((0, 0)) == (250, 0, 0)
    assert encoded(red.convert("RGBA")).rgb().mode == "RGB"
    assert encoded(red.convert("1")).rgb().mode == "RGB"


def test_floating_point_pixels_are_an_error() -> None:
    picture = PIL.Image.fromarray(np.array([[0.5, 2.0]], dtype=np.float32))
    with pytest.raises(HybridBenchError, match="cannot convert the image odd to RGB: its pixels are floating point"):
        encoded(picture, "TIFF").rgb()


def test_an_image_that_would_fill_the_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow refuses more than twice its limit, and only warns of more than the limit."""
    bomb = encoded(PIL.Image.new("1", (3000, 3000)))
    assert len(bomb.read()) < 4000
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 3000 * 3000 // 3)
    with pytest.raises(HybridBenchError, match=r"cannot decode the image odd: Image size .* exceeds limit"):
        bomb.rgb()
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 3000 * 3000 - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bomb.rgb().size == (3000, 3000)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_damaged_images_are_errors_or_pictures(file_format: str) -> None:
    picture = PIL.Image.fromarray(np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8))
    content = encoded(picture, file_format).read()
    rng = random.Random(24)
    for _ in range(400):
        damaged = Image.from_bytes(mutated(content, rng), "damaged")
        try:
            found = damaged.rgb()
        except HybridBenchError as error:
            assert "damaged" in error.problem
        else:
            assert found.mode == "RGB"
    with pytest.raises(HybridBenchError, match="cannot decode the image half"):
        Image.from_bytes(content[: len(content) // 2], "half").rgb()
