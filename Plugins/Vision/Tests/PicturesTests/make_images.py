"""Makes images/: small pictures in every form that is decoded, and what Pillow and transformers make of them.

    pip install numpy pillow torch torchvision transformers safetensors
    python3 Plugins/Vision/Tests/PicturesTests/make_images.py
"""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file
from transformers.image_transforms import convert_to_rgb
from transformers.models.glm4v.image_processing_glm4v import Glm4vImageProcessor, smart_resize
from transformers.models.vit.image_processing_vit import ViTImageProcessor

folder = pathlib.Path(__file__).parent / "images"
folder.mkdir(exist_ok=True)
references = {}

y, x = np.mgrid[0:24, 0:40]
smooth = np.stack([x * 6, y * 10, (x + y) * 4], -1).astype(np.uint8)
smooth[4:12, 6:16] = [220, 30, 40]
rgb = Image.fromarray(smooth)
grey = rgb.convert("L")
alpha = Image.merge("RGBA", (*rgb.split(), Image.fromarray(((x * 7) % 256).astype(np.uint8))))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, rows, *extra):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra)
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def keep(name, data):
    """Writes the file, and what transformers sees of it."""
    (folder / name).write_bytes(data)
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    references[name] = np.array(convert_to_rgb(image).convert("RGB"))


keep("rgb.png", saved(rgb, "PNG"))
keep("grey.png", saved(grey, "PNG"))
keep("bilevel.png", saved(grey.convert("1"), "PNG"))
keep("palette.png", saved(rgb.quantize(16), "PNG"))
keep("palette-alpha.png", saved(rgb.quantize(16), "PNG", transparency=3))
keep("alpha.png", saved(alpha, "PNG"))
keep("grey-alpha.png", saved(alpha.convert("LA"), "PNG"))
keep("one-pixel.png", saved(rgb.crop((7, 5, 8, 6)), "PNG"))
deep = (smooth.astype(np.uint16) << 8) | 0x34
keep("rgb16.png", png(40, 24, 16, 2, b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)))
deep_grey = deep[..., 0]
(folder / "grey16.png").write_bytes(png(40, 24, 16, 0, b"".join(b"\0" + r.astype(">u2").tobytes() for r in deep_grey)))
# Its high bytes: versions of Pillow differ on this one form.
references["grey16.png"] = np.repeat((deep_grey >> 8).astype(np.uint8)[..., None], 3, -1)

for quality, sampling in ((90, 0), (60, 2)):
    keep(f"rgb-{sampling}.jpg", saved(rgb, "JPEG", quality=quality, subsampling=sampling))
keep("progressive.jpg", saved(rgb, "JPEG", progressive=True))
keep("grey.jpg", saved(grey, "JPEG"))
keep("cmyk.jpg", saved(rgb.convert("CMYK"), "JPEG", quality=95))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    keep(f"orientation-{orientation}.jpg", saved(rgb, "JPEG", quality=92, exif=exif))
exif = Image.Exif()
exif[0x0112] = 6
keep("orientation-6.png", saved(rgb, "PNG", exif=exif))
keep("orientation-6.webp", saved(rgb, "WEBP", lossless=True, exif=exif))
keep("lossless.webp", saved(rgb, "WEBP", lossless=True))
keep("lossy.webp", saved(rgb, "WEBP", quality=80))
keep("alpha.webp", saved(alpha, "WEBP", lossless=True))
keep("animated.webp", saved(alpha, "WEBP", lossless=True, save_all=True, append_images=[rgb.convert("RGBA")]))
keep("animated.png", saved(rgb, "PNG", save_all=True, append_images=[ImageOps.invert(rgb)]))

# What is refused.
(folder / "huge.png").write_bytes(png(20000, 20000, 8, 2, b""))
# Within the limits by its header, of text that unpacks to 20 MB, and cut.
bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(20 << 20), 9))
(folder / "bomb.png").write_bytes(png(4000, 4000, 8, 2, bytes(1 << 20), bomb))
jpeg, webp = (folder / "rgb-0.jpg").read_bytes(), (folder / "lossy.webp").read_bytes()
(folder / "cut.png").write_bytes((folder / "rgb.png").read_bytes()[:-40])
(folder / "cut.jpg").write_bytes(jpeg[:-60])
(folder / "cut.webp").write_bytes(webp[:-60])
(folder / "cut-header.jpg").write_bytes(jpeg[:30])
(folder / "huge.jpg").write_bytes(jpeg.replace(b"\x00\x18\x00\x28\x03", b"\x4e\x20\x4e\x20\x03"))
damaged = bytearray((folder / "rgb.png").read_bytes())
damaged[-14] ^= 0x55
(folder / "damaged.png").write_bytes(damaged)

# What processors make of a picture.
noise = np.random.default_rng(3).integers(0, 256, (61, 83, 3), dtype=np.uint8)
(folder / "noise.png").write_bytes(saved(Image.fromarray(noise), "PNG"))
vit = ViTImageProcessor(size={"height": 32, "width": 48}, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4])
references["vit"] = vit(Image.fromarray(noise), return_tensors="np")["pixel_values"][0]
glm = Glm4vImageProcessor(size={"shortest_edge": 28 * 28 * 2, "longest_edge": 28 * 28 * 8})
made = glm(Image.fromarray(noise), return_tensors="np")
references["glm4v"], references["glm4v.grid"] = made["pixel_values"], made["image_grid_thw"].astype(np.int32)

sizes = [(1, 1), (2400, 1080), (1080, 2400), (27, 29), (100, 19000), (300, 400), (5000, 5000), (14, 14), (42, 70),
         (126, 98), (1, 200), (20, 3999)]
bounds = [(112 * 112, 28 * 28 * 15000), (112 * 112, 5_000_000), (3136, 100_000)]
references["smart_resize"] = np.array(
    [[h, w, least, most, *smart_resize(2, h, w, 2, 28, least, most)] for h, w in sizes for least, most in bounds],
    np.int32)
save_file({name: np.ascontiguousarray(value) for name, value in references.items()}, folder / "references.safetensors")
