#!/usr/bin/env python3
"""Makes the picture files of `pictures/` and, with Pillow, what is to be read from them: `expected.json`.

usage: make_pictures.py       (needs Pillow 10 or newer with littleCMS and WebP; the files are kept, so tests need neither)

Profiles are made here from their numbers: an RGB space with wide primaries and gamma 1.8, a grey one with gamma 1.0, and an
ink space whose colours are those of a table of 2 x 2 x 2 x 2 mixtures.
"""

import io
import json
import pathlib
import struct

from PIL import Image, ImageCms, ImageOps

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE / "pictures"
WIDTH, HEIGHT = 8, 6


def fixed(number):
    return struct.pack(">i", round(number * 65536))


def profile(space, tags, pcs=b"XYZ ", kind=b"mntr"):
    """An ICC profile of version 2.1 (ICC.1:2001-04) with these tags."""
    table, body = b"", b""
    begin = 128 + 4 + 12 * len(tags)
    for name, content in tags:
        content += b"\0" * (-len(content) % 4)
        table += struct.pack(">4sII", name, begin + len(body), len(content))
        body += content
    size = begin + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02100000, kind, space, pcs)
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def text(name):
    raw = name.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(raw)) + raw + b"\0" * 78


def xyz(x, y, z):
    return b"XYZ \0\0\0\0" + fixed(x) + fixed(y) + fixed(z)


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def copyright_tag():
    return b"text\0\0\0\0none\0"


WIDE_RGB = profile(b"RGB ", [
    (b"desc", text("wide")), (b"cprt", copyright_tag()), (b"wtpt", xyz(0.9642, 1, 0.8249)),
    (b"rXYZ", xyz(0.6097, 0.3111, 0.0195)), (b"gXYZ", xyz(0.2053, 0.6257, 0.0609)),
    (b"bXYZ", xyz(0.1492, 0.0632, 0.7446)),
    (b"rTRC", gamma(1.8)), (b"gTRC", gamma(1.8)), (b"bTRC", gamma(1.8))])

LINEAR_GREY = profile(b"GRAY", [
    (b"desc", text("linear grey")), (b"cprt", copyright_tag()), (b"wtpt", xyz(0.9642, 1, 0.8249)),
    (b"kTRC", gamma(1.0))])


def inks():
    """lut8 from inks to Lab: paper is light, each ink darkens and colours."""
    grid = b""
    for cyan in (0, 1):
        for magenta in (0, 1):
            for yellow in (0, 1):
                for black in (0, 1):
                    light = 95 - 30 * cyan - 35 * magenta - 5 * yellow
                    a = -30 * cyan + 60 * magenta - 3 * yellow
                    b = -40 * cyan - 3 * magenta + 75 * yellow
                    light, a, b = (12, 0, 0) if black else (max(light, 15), a, b)
                    grid += bytes((round(light * 2.55), a + 128, b + 128))
    ramp = bytes(range(256))
    identity = b"".join(fixed(float(i == j)) for i in range(3) for j in range(3))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + 4 * ramp + grid + 3 * ramp
    return profile(b"CMYK", [(b"desc", text("inks")), (b"cprt", copyright_tag()),
                             (b"wtpt", xyz(0.9642, 1, 0.8249)), (b"A2B0", lut)], b"Lab ", b"prtr")


INKS = inks()


def colours():
    """Two bands of flat colours, no two corners alike."""
    image = Image.new("RGB", (WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            image.putpixel((x, y), (30 + 28 * x, 220 - 36 * y, 40 + 20 * ((x + y) % 7)))
    return image


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def saved(name, image, **options):
    image.save(FOLDER / name, **options)
    return Image.open(FOLDER / name)


def to_srgb(image, icc, mode):
    return ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"),
                                     outputMode=mode)


def without_adobe(name, new_name):
    """The same JPEG without its APP14 segment."""
    data = (FOLDER / name).read_bytes()
    at = data.index(b"\xff\xee")
    length = struct.unpack(">H", data[at + 2 : at + 4])[0]
    (FOLDER / new_name).write_bytes(data[:at] + data[at + 2 + length :])
    return Image.open(FOLDER / new_name)


def saved_as_ycck(name, inks, **options):
    """The picture of inks as a JPEG of the kind YCCK (libjpeg, jccolor.c): what cyan, magenta and yellow are as red,
    green and blue, in YCbCr; Adobe's marker says so."""
    cyan, magenta, yellow, black = inks.split()
    luma = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr")
    stored = [plane.point(lambda value: 255 - value) for plane in luma.split()]  # Pillow turns all four over.
    Image.merge("CMYK", (*stored, black)).save(FOLDER / name, **options)
    data = bytearray((FOLDER / name).read_bytes())
    data[data.index(b"Adobe") + 11] = 2
    (FOLDER / name).write_bytes(data)
    return Image.open(FOLDER / name)


def main():
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    expected = {}

    def expect(name, image):
        expected[name] = {"width": image.width, "height": image.height, "pixels": list(image.convert("RGB").tobytes())}

    whole = {"quality": 100, "subsampling": 0}
    for value in range(1, 9):
        name = f"orientation-{value}.jpg"
        expect(name, ImageOps.exif_transpose(saved(name, colours(), exif=orientation(value), **whole)))
    for value in (0, 9, 300):
        name = f"orientation-{value}.jpg"
        expect(name, ImageOps.exif_transpose(saved(name, colours(), exif=orientation(value), **whole)))
    expect("orientation-6.png", ImageOps.exif_transpose(saved("orientation-6.png", colours(), exif=orientation(6))))
    expect("orientation-8.webp",
           ImageOps.exif_transpose(saved("orientation-8.webp", colours(), exif=orientation(8), lossless=True)))
    expect("orientation-5.tif", ImageOps.exif_transpose(saved("orientation-5.tif", colours(), exif=orientation(5))))
    ink_picture = colours().convert("CMYK")
    for y in range(HEIGHT):
        for x in range(WIDTH):
            cyan, magenta, yellow, _ = ink_picture.getpixel((x, y))
            ink_picture.putpixel((x, y), (cyan, magenta, yellow, 25 * y))
    expect("inks.jpg", saved("inks.jpg", ink_picture, **whole))
    expect("inks-without-adobe.jpg", without_adobe("inks.jpg", "inks-without-adobe.jpg"))
    image = saved("inks-profile.jpg", ink_picture, icc_profile=INKS, **whole)
    expect("inks-profile.jpg", to_srgb(image, INKS, "RGB"))
    image = without_adobe("inks-profile.jpg", "inks-profile-without-adobe.jpg")
    expect("inks-profile-without-adobe.jpg", to_srgb(image, INKS, "RGB"))
    expect("inks-ycck.jpg", saved_as_ycck("inks-ycck.jpg", ink_picture, **whole))
    image = saved_as_ycck("inks-ycck-profile.jpg", ink_picture, icc_profile=INKS, **whole)
    expect("inks-ycck-profile.jpg", to_srgb(image, INKS, "RGB"))
    expect("inks.tif", saved("inks.tif", ink_picture))
    image = saved("inks-profile.tif", ink_picture, icc_profile=INKS, compression="tiff_lzw")
    expect("inks-profile.tif", to_srgb(image, INKS, "RGB"))
    image = saved("wide.jpg", colours(), icc_profile=WIDE_RGB, **whole)
    expect("wide.jpg", to_srgb(image, WIDE_RGB, "RGB"))
    image = saved("wide.png", colours(), icc_profile=WIDE_RGB)
    expect("wide.png", to_srgb(image, WIDE_RGB, "RGB"))
    image = saved("wide.webp", colours(), icc_profile=WIDE_RGB, lossless=True)
    expect("wide.webp", to_srgb(image, WIDE_RGB, "RGB"))
    image = saved("wide.tif", colours(), icc_profile=WIDE_RGB)
    expect("wide.tif", to_srgb(image, WIDE_RGB, "RGB"))
    for ending in ("jpg", "png"):
        options = whole if ending == "jpg" else {}
        image = saved(f"grey.{ending}", colours().convert("L"), icc_profile=LINEAR_GREY, **options)
        expect(f"grey.{ending}", to_srgb(image, LINEAR_GREY, "RGB"))
    expect("damaged-profile.png", saved("damaged-profile.png", colours(), icc_profile=b"no profile" * 20).convert("RGB"))
    for ending in ("bmp", "gif", "tif"):
        image = colours().quantize(48) if ending == "gif" else colours()
        expect(f"plain.{ending}", saved(f"plain.{ending}", image))
    expect("plain-lossy.webp", saved("plain-lossy.webp", colours(), quality=90))
    palette = colours().quantize(48)
    saved("palette-trns.png", palette, transparency=0)
    expect("palette-trns.png", over_black(Image.open(FOLDER / "palette-trns.png")))
    HERE.joinpath("pictures", "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


def over_black(image):
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
    ground.alpha_composite(rgba)
    return ground.convert("RGB")


if __name__ == "__main__":
    main()
