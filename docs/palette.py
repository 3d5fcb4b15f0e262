"""A picture with few colors: a PNG of a page, written again with a palette of at most 256."""

from __future__ import annotations

import base64
import struct
import zlib
from collections import Counter
from functools import cache

from playwright.sync_api import Page

MOST = 256
READ = """async url => {
  const image = await createImageBitmap(await (await fetch(url)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const bytes = pen.getImageData(0, 0, image.width, image.height).data;
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return [image.width, image.height, btoa(text)];
}"""


def with_few_colors(page: Page, png: bytes) -> bytes:
    """`png` with its commonest colors, every other one replaced by the nearest; `page` is a blank one that reads it."""
    width, height, text = page.evaluate(READ, f"data:image/png;base64,{base64.b64encode(png).decode()}")
    pixels = base64.b64decode(text)
    # 5 bits of a channel are enough for the edges of letters
    seen = [(r & 0xF8, g & 0xF8, b & 0xF8) for r, g, b in zip(pixels[::4], pixels[1::4], pixels[2::4], strict=True)]
    exact = dict(zip(seen, _exact(pixels), strict=True))
    colors = [color for color, _ in Counter(seen).most_common(MOST)]

    @cache
    def nearest(color: tuple[int, int, int]) -> int:
        return min(range(len(colors)), key=lambda i: sum((a - b) ** 2 for a, b in zip(colors[i], color, strict=True)))

    indexes = bytes(nearest(color) for color in seen)
    lines = b"".join(b"\0" + indexes[row * width : (row + 1) * width] for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    palette = bytes(value for color in colors for value in exact[color])
    parts = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in parts)


def _exact(pixels: bytes) -> list[bytes]:
    return [pixels[i : i + 3] for i in range(0, len(pixels), 4)]


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
