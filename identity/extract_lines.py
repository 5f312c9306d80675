"""Reads the file of an extract as lines of UTF-8, and says what a file is that is no such text.

What is certain is read: gzip (told by its content), UTF-8 with and without BOM, UTF-16 and UTF-32 by their BOM, UTF-16
without one by the noughts in its first letters, which are a header's; lines that end in LF, CR LF or CR alone. What is
not certain, or is no text, is refused by its name (`identity.texts`).
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, cast

from common.errors import PortalError

BLOCK = 256 * 1024  # bytes read at once
LONGEST_LINE = 4_000  # bytes of UTF-8; a longer one is not a record of these columns
LONGEST_SKIPPED = 16 * 1024 * 1024  # bytes without an end of line; then the file is read no further
NumberedLine = tuple[int, bytes | None]  # numbered from 1; None for one that is too long

# The longer ones first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = ((re.compile(rb'(?:["\w]\0){4}'), "utf-16-le"), (re.compile(rb'(?:\0["\w]){4}'), "utf-16-be"))
# What files of other kinds begin with. A workbook of Excel is a zip archive too.
_OTHER_KINDS = (
    (re.compile(rb"PK\x03\x04|\xd0\xcf\x11\xe0"), "spreadsheet"),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|Rar!|7z\xbc\xaf"), "compressed"),
    (re.compile(rb"\s*<(?:!doctype|html|table|\?xml|meta)", re.IGNORECASE), "web_page"),
    (re.compile(rb"%PDF-|SQLite format 3\0|\x89PNG|\xff\xd8\xff"), "no_text"),
)
_FIRST_END = re.compile(rb"\r+\n|[\r\n]")


def lines(source: BinaryIO) -> Iterator[NumberedLine]:
    """The lines of `source` as UTF-8 without BOM and line ends.

    Reads in blocks and keeps only the beginning of a line that is too long, so that no file can fill the memory, not
    even a small one that unzips to a huge one. Raises PortalError extract_kind (kind: what the file is instead) and
    extract_unreadable (after_line), also if a line never ends: that is no text file.
    """
    number, rest, dropped = 0, b"", 0
    try:
        for block in _with_line_feeds(_as_utf8(_blocks(source))):
            *whole, rest = (rest + block).split(b"\n")
            for raw in whole:
                number += 1
                yield number, raw if len(raw) <= LONGEST_LINE else None
            dropped = 0 if whole else dropped + len(block)
            if dropped > LONGEST_SKIPPED:
                raise PortalError("extract_unreadable", after_line=number)
            rest = rest[: LONGEST_LINE + 1]
    except (OSError, EOFError, zlib.error):
        raise PortalError("extract_unreadable", after_line=number) from None
    if rest:
        yield number + 1, rest if len(rest) <= LONGEST_LINE else None


def is_blank(raw: bytes | None) -> bool:
    """Whether a line is empty."""
    return raw is not None and not raw.strip()


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    """The bytes of the file, unzipped."""
    peekable = source if isinstance(source, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, source))
    zipped = peekable.peek(2)[:2] == b"\x1f\x8b"
    plain = cast(BinaryIO, gzip.GzipFile(fileobj=peekable) if zipped else peekable)
    while block := plain.read(BLOCK):
        yield block


def _as_utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same text in UTF-8 without its mark. What is damaged in UTF-16 becomes U+FFFD, which no cell may hold."""
    first = next(blocks, b"")
    for begins, kind in _OTHER_KINDS:
        if begins.match(first):
            raise PortalError("extract_kind", kind=kind)
    coding = next((name for mark, name in _MARKS if first.startswith(mark)), "")
    coding = coding or next((name for begins, name in _UNMARKED if begins.match(first)), "")
    if not coding:
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(coding)("replace")
    yield decoder.decode(first).removeprefix("\ufeff").encode()
    for block in blocks:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()


def _with_line_feeds(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same text, with LF at the ends of its lines: where the first line ends in a CR alone, all do."""
    first = next(blocks, b"")
    end = _FIRST_END.search(first)
    carriage_returns = end is not None and end[0] == b"\r"
    for block in chain((first,), blocks):
        yield block.replace(b"\r", b"\n") if carriage_returns else block
