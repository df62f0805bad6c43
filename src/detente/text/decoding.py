"""Bytes to text: the encoding is found out, what is no text is refused."""

import codecs

from detente.errors import InputError

MAX_CHARACTERS = 5_000_000
MOST_BYTES = 4 * MAX_CHARACTERS
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEGACY = ("cp1251", "koi8_r", "cp866", "cp1252", "iso8859_5", "iso8859_15", "mac_cyrillic")
_BINARY = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\xd0\xcf\x11\xe0", b"{\\rtf")
_FEW = 100
_SAMPLE = 60_000
_COMMON_RU = frozenset("оеаинтсрвлОЕАИНТСРВЛ")


def decode(data: bytes) -> str:
    """The text of a file. Raises InputError, without the file's name, for what is empty or no text."""
    if len(data) > MOST_BYTES:
        raise InputError(_too_long(MOST_BYTES, "bytes", more=True))
    if not data.strip():
        raise InputError("the file is empty; remove it or fill it")
    if data.startswith(_BINARY):
        raise InputError("this is a binary file, no text; export it as .txt or .html")
    control = sum(byte < 32 and byte not in b"\t\n\r\f\v\x1c" for byte in data[:_SAMPLE])
    if (
        len(data) > _FEW
        and control > 0.05 * len(data[:_SAMPLE])
        and not _wide(data)
        and not data.startswith(tuple(mark for mark, _ in _BOMS))
    ):
        raise InputError("this looks like a binary file, no text; export it as .txt or .html")
    text = _decoded(data)
    if "\0" in text:
        raise InputError("the text contains a NUL byte; remove it or export the file as plain text")
    if not text.strip():
        raise InputError("the file is empty but for blanks; remove it or fill it")
    if len(text) > MAX_CHARACTERS:
        raise InputError(_too_long(len(text), "characters"))
    return text


def _too_long(size: int, unit: str, *, more: bool = False) -> str:
    least = "more than " if more else ""
    return (
        f"the file has {least}{size:,} {unit}, at most {MAX_CHARACTERS:,} characters are taken as one article; "
        "split it, one article a file"
    )


def _decoded(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    wide = _wide(data)
    if wide:
        return _strictly(data, wide)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _strictly(data, _legacy(data[:_SAMPLE]))


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"byte {error.start:,} is not {encoding}, the encoding found; save the file as UTF-8"
        ) from None


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every second byte of a Latin text is 0, of a Russian one 4."""
    sample = data[:_SAMPLE]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = sample[first::2]
        if len(half) > _FEW and sum(byte in (0, 4) for byte in half) > 0.9 * len(half):
            return encoding
    return ""


def _legacy(sample: bytes) -> str:
    """The one-byte encoding: the Cyrillic one that gives most common letters, else the detector's choice."""
    high = sum(byte > 127 for byte in sample)
    if high > 0.3 * len(sample):
        scores = {name: _russian(sample.decode(name, "replace")) for name in ("cp1251", "koi8_r", "cp866")}
        best = max(scores, key=lambda name: scores[name])
        if scores[best] > 0.4 * high:
            return best
    from charset_normalizer import from_bytes

    found = from_bytes(sample, cp_isolation=list(_LEGACY)).best()
    encoding = found.encoding if found else "cp1252"
    return "cp1252" if encoding.startswith(("iso8859_15", "mac")) else encoding


def _russian(text: str) -> int:
    """Lower-case common letters, so that swapped case (cp1251 read as KOI8-R) loses."""
    return sum(c in _COMMON_RU and c.islower() for c in text)
