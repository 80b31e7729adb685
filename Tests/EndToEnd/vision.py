"""Small Vision checkpoints, registries that have them, and pictures made for a test."""

import json
import pathlib
import shutil
import struct
import zlib

import checkout

LIBRARY = checkout.ROOT / "Plugins" / "Vision" / ".build" / "release" / "libVision.so"
TESTS = checkout.ROOT / "Plugins" / "Vision" / "Tests"
IMAGES = TESTS / "PicturesTests" / "images"
CHECKPOINTS = TESTS / "EncodersTests" / "checkpoints"
TYPES = ["image/png", "image/jpeg", "image/webp"]


def require():
    if not LIBRARY.exists():
        raise AssertionError(f"{LIBRARY.relative_to(checkout.ROOT)} is missing; build it by: "
                             "swift build -c release --package-path Plugins/Vision")


def soft_checkpoint(folder, pieces=None, resize=None):
    """A copy of the small ViT with a soft head, in `folder`; other pieces, or pictures resized to (height, width)."""
    folder = pathlib.Path(folder)
    shutil.copytree(CHECKPOINTS / "vit-renamed", folder)
    if pieces:
        head = folder / "soft_head.safetensors"
        head.write_bytes(with_metadata(head.read_bytes(), pieces=json.dumps(pieces)))
    if resize:
        path = folder / "preprocessor_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "do_resize": True,
                                    "size": dict(zip(("height", "width"), resize))}))
    return folder


def with_metadata(content, **fields):
    """A safetensors file's bytes with other metadata."""
    size, = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + size])
    header["__metadata__"] = {**header.get("__metadata__", {}), **fields}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content[8 + size:]


def plugin(versions, **fields):
    """Vision as an element of a registry's `plugins`; `versions` are weights by version."""
    require()
    return {"id": "vision", "modality": "image", "accepts": TYPES, **fields, "versions": [
        {"version": version, "library": str(LIBRARY), "weights": str(weights)} for version, weights in versions.items()]}


def png(width, height, seed=0):
    """A picture that no other seed makes."""
    return _png(width, height, (
        bytes((x * (3 + seed) + y * (5 + 2 * seed) + 40 * seed * c + x * y // 7) % 256
              for x in range(width) for c in range(3)) for y in range(height)))


def blank(width, height):
    return _png(width, height, (bytes(3 * width) for _ in range(height)))


def _png(width, height, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def drawn(width, height, colour):
    """A picture of what `colour(x, y)` says, (red, green, blue)."""
    return _png(width, height, (bytes(level for x in range(width) for level in colour(x, y)) for y in range(height)))
