"""Bodies that come compressed: capped before they are unpacked and while they are."""

from __future__ import annotations

import zlib

from django.http import HttpRequest

from apps.api.errors import ApiError
from apps.api.reading import read_body

MOST_PACKED = 4 * 2**20
MOST_UNPACKED = 8 * 2**20
MOST_JSON = 2**20  # reading it takes ten times as long as protobuf
_GZIP = zlib.MAX_WBITS | 16


def read_packed(request: HttpRequest, *, most: int = MOST_UNPACKED) -> bytes:
    """The body, unpacked when it is gzip; raises ApiError 400 for a damaged one, 413 above `most` bytes, and 415."""
    body = read_body(request, most_bytes=min(most, MOST_PACKED))
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ApiError(415, "unsupported_encoding", "Send the body as it is or compressed with gzip.")
    return gunzip(body, most=most)


def gunzip(body: bytes, *, most: int) -> bytes:
    """At most `most` bytes; raises ApiError."""
    inflater = zlib.decompressobj(_GZIP)
    try:
        found = inflater.decompress(body, most + 1)
    except zlib.error:
        raise ApiError(400, "malformed", "The body is not gzip, though it says so.") from None
    if len(found) > most:
        raise ApiError(413, "too_large", f"The body unpacks to more than {most // 2**20} MiB; send less at once.")
    if not inflater.eof or inflater.unused_data:
        raise ApiError(400, "malformed", "The compressed body breaks off or goes on after its end.")
    return found
