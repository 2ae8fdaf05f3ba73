"""XML from outside: what it is encoded as, what it must not hold, and how it is parsed.

No document type, no entity and no instruction of a document is ever followed: nothing expands, no file and no address
is read. https://cheatsheetseries.owasp.org/cheatsheets/XML_External_Entity_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from html.entities import html5
from typing import Any
from xml.parsers import expat

from lxml import etree

from data.errors import PageError

__all__ = ["MOST_ENTRIES", "FeedXml", "charset_of", "decoded", "feed_xml", "parse_xml", "without_prolog"]

HEAD = 64 * 1024
"""Bytes within which the first element of a document must begin."""

_MARKS = (  # byte-order marks, then "<" and "{" as these encodings write them
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    *((first + b"\0\0\0", "utf-32-le") for first in (b"<", b"{")),
    *((b"\0\0\0" + first, "utf-32-be") for first in (b"<", b"{")),
    *((first + b"\0", "utf-16-le") for first in (b"<", b"{")),
    *((b"\0" + first, "utf-16-be") for first in (b"<", b"{")),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
SAMPLE = 20_000
"""Bytes from which an encoding is guessed."""
_TAGS = re.compile(rb"<[^<>]*>")
_DECLARED = re.compile(r"<\?xml\s[^<>]{0,200}?encoding\s*=\s*[\"']([^\"'<>]{1,40})")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]{1,40})", re.I)
_REFUSED_CODECS = frozenset({"utf-7", "punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined"})
"""Encodings that could hide markup from whoever checks it, or take time without end, and that no page uses."""
# What pages mean by these names (https://encoding.spec.whatwg.org/#names-and-labels).
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
_SEVERAL_BYTES = frozenset(
    {"gb18030", "cp949", "cp932", "big5", "big5hkscs", "cp950", "euc_jp", "euc_jis_2004", "euc_jisx0213", "hz", "johab"}
)


def charset_of(content_type: str) -> str:
    """The charset that a Content-Type names; empty for none."""
    found = _CHARSET.search(content_type[:1000])
    return found[1] if found else ""


def decoded(body: bytes, charset: str = "") -> str:
    """The text of a feed, in spite of wrong or missing statements about its encoding.

    Marks in the bytes themselves count most; then UTF-8, where all of it is valid UTF-8 (text in a one-byte encoding
    never is by chance); then what the header and the document say; then UTF-8 with a few faults; then a guess.
    Raises PageError for the encodings that are refused.
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body.decode(codec, "replace").lstrip("\ufeff")
    found = _DECLARED.search(body[:1000].decode("latin-1"))
    said = [codec for name in (charset, found[1] if found else "") if (codec := _codec(name))]
    tried = said if any(codec in _SEVERAL_BYTES for codec in said) else ["utf-8", *said]
    for codec in (*tried, "utf-8"):
        try:
            return body.decode(codec)
        except (UnicodeError, LookupError):
            continue
    text = body.decode("utf-8", "replace")
    if text.count("\ufffd") * 10 <= sum(not c.isascii() for c in text):
        return text
    return body.decode(next((codec for codec in said if codec != "utf-8"), "") or _guessed(body), "replace")


def _guessed(body: bytes) -> str:
    """The encoding of a feed that says nothing, or that it is UTF-8 where it is not, by the letters between its tags."""
    import charset_normalizer

    best = charset_normalizer.from_bytes(_TAGS.sub(b" ", body[: 10 * SAMPLE])[:SAMPLE]).best()
    return (_codec(best.encoding) if best is not None else "") or "cp1252"


def _codec(name: str) -> str:
    """Python's codec for an encoding's name; empty for none, and for those that the first bytes would have shown."""
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    if codec.replace("_", "-") in _REFUSED_CODECS:
        raise PageError(f"refused, it is encoded as {codec}")
    if codec.startswith(("utf-16", "utf-32", "cp037")):
        return ""
    return _MEANT.get(codec, codec)


_IN_DOCTYPE = re.compile(r"[\[>]|\"[^\"]*\"|'[^']*'")
_EMPTY_SUBSET = re.compile(r"\[\s*\]\s*>")


def without_prolog(text: str) -> tuple[str, str]:
    """The document from its first element on, and the name in its document type ("" without one). Time is linear.

    Raises PageError where the document type declares anything itself, where there are several, and where there is no
    element.
    """
    at, doctype = 0, ""
    while (at := text.find("<", at)) >= 0:
        after = text[at + 1 : at + 9]
        if after.startswith("?"):
            at = _past(text, "?>", at + 2)
        elif after.startswith("!--"):
            at = _past(text, "-->", at + 4)
        elif after.upper() == "!DOCTYPE":
            if doctype:
                raise PageError("refused, it has two document types")
            name = re.compile(r"\s*([^\s\[>\"']{0,100})").match(text, at + 9)
            doctype = (name[1] if name else "") or "?"
            at = _past_doctype(text, at + 9)
        elif after[:1].isalpha() or after[:1] == "_":
            return text[at:], doctype
        else:
            if after[:7].upper() == "!ENTITY":
                raise PageError("refused, it declares entities")
            at += 1
    raise PageError("no element in it")


def _past(text: str, end: str, at: int) -> int:
    found = text.find(end, at)
    if found < 0:
        raise PageError(f"not well-formed: no {end} to end what stands before the first element")
    return found + len(end)


def _past_doctype(text: str, at: int) -> int:
    while part := _IN_DOCTYPE.search(text, at):
        at = part.end()
        if part[0] == ">":
            return at
        if part[0] == "[":
            if empty := _EMPTY_SUBSET.match(text, part.start()):
                return empty.end()
            raise PageError("refused, its document type declares entities or other rules of its own")
    raise PageError("not well-formed: the document type does not end")


def parse_xml(body: bytes, what: str) -> Any:
    """The root element; PageError for a page that is cut short, malformed, has a document type, or is HTML."""
    if not body.strip():
        raise PageError(f"{what}: an empty page")
    try:
        start, doctype = without_prolog(decoded(body[:HEAD]))
    except PageError as exc:
        raise PageError(f"{what}: not XML, or {exc}") from exc
    if doctype.lower() == "html" or start[:5].lower() == "<html":
        raise PageError(f"{what}: an HTML page, not XML (an error page, or a login)")
    if doctype:
        raise PageError(f"{what}: refused, a document type where none belongs")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as exc:
        raise PageError(f"{what}: not well-formed XML: {exc}") from exc
    if root.getroottree().docinfo.doctype:  # as the parser itself sees it, whatever the encoding
        raise PageError(f"{what}: refused, a document type where none belongs")
    return root


# ---- feeds that are not quite XML --------------------------------------------------------------------------------

MOST_ENTRIES = 10_000
"""Entries that are read of one feed, from its top."""

DEEPEST = 250
"""Elements in one another; libxml2 reads 256."""
MOST_ATTRIBUTES = 500
"""Of one element. With more of either, feedparser's time and memory grow with their square."""
_FEEDS = ("<rss", "<feed", "<rdf", "<channel", "<atom")
LONGEST_NAME = 1000
"""Characters of an author's name: feedparser looks for a mail address in it, in quadratic time."""
_PEOPLE = frozenset({"author", "creator", "name", "managingEditor", "webMaster", "email", "contributor", "publisher"})

_NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,9}|[xX][0-9a-fA-F]{1,8});|([A-Za-z][A-Za-z0-9]{1,30});)?")
_XML_NAMES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_TOKEN = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)"
    r"|<(/?)([A-Za-z_][\w:.-]{0,200})(?:[^<>\"'/]|/(?!>)|\"[^\"<]*\"|'[^'<]*')*(/?)>|<",
    re.S,
)
_VOID = frozenset({"br", "hr", "img", "input", "meta", "wbr", "col", "embed"})  # of HTML in a feed that is not escaped
_ENDS_ITSELF = frozenset({"p", "li", "dt", "dd", "tr", "td", "th", "option"})
_PREFIX = re.compile(r"[<\s/]([A-Za-z_][\w.-]{0,40}):[A-Za-z_]")
_DECLARED_PREFIX = re.compile(r"\sxmlns:([A-Za-z_][\w.-]{0,40})\s*=")
_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xhtml": "http://www.w3.org/1999/xhtml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedXml:
    """A feed as well-formed XML in UTF-8 without a prolog. `problem` says what was mended, `cut` that entries are
    missing at its end."""

    data: bytes
    problem: str = ""
    cut: bool = False


def feed_xml(text: str, *, most_entries: int = MOST_ENTRIES, mend: bool = True) -> FeedXml:
    """What feedparser can be given without harm. Malformed feeds are mended by libxml2, because the time that
    feedparser's own second parser and its search for a document type take is quadratic.

    Raises PageError for HTML, for a document type with declarations, and for what cannot be read; without `mend`, for
    all that is not well-formed.
    """
    text, doctype = without_prolog(text)
    if text[:5].lower() == "<html" or (doctype.lower() == "html" and not text.lower().startswith(_FEEDS)):
        raise PageError("an HTML page, not a feed (an error page, or a login)")
    text = _NO_CHARACTER.sub("", text)
    data = text.encode("utf-8", "replace")
    scan = _Scan(most_entries).of(data)
    problem, cut = scan.problem, bool(scan.end)
    if problem and not mend:
        raise PageError(f"not well-formed: {problem}")
    if problem:
        data = _recovered(text)
        scan = _Scan(most_entries).of(data)
        cut = bool(scan.end)
    if scan.end:
        data = _recovered(data[: scan.end].decode("utf-8"))
        scan = _Scan(most_entries).of(data)
    if scan.long_names:
        data = _with_short_names(data)
        scan = _Scan(most_entries).of(data)
    if scan.problem:
        raise PageError(f"not well-formed, and cannot be mended: {problem or scan.problem}")
    return FeedXml(data=data, problem=problem, cut=cut)


class _Enough(Exception):
    pass


@dataclass(slots=True)
class _Scan:
    """One reading of a document without keeping anything: what keeps it from being well-formed XML, where the first
    entry too many begins (0: nowhere), and whether an author's name is too long."""

    most_entries: int
    problem: str = ""
    end: int = 0
    long_names: bool = False
    entries: int = 0
    depth: int = 0
    inside: int = 0  # elements of authors that are open
    length: int = 0  # of their text

    def of(self, data: bytes) -> _Scan:
        parser = expat.ParserCreate(namespace_separator=" ")

        def started(name: str, attributes: dict[str, str]) -> None:
            local = name.rpartition(" ")[2]
            self.depth += 1
            if self.depth > DEEPEST:
                raise PageError(f"refused, more than {DEEPEST} elements in one another")
            if len(attributes) > MOST_ATTRIBUTES:
                raise PageError(f"refused, an element with {len(attributes)} attributes")
            if local in ("item", "entry"):
                self.entries += 1
                if self.entries > self.most_entries:
                    self.end = parser.CurrentByteIndex
                    raise _Enough
            elif local in _PEOPLE:
                self.inside += 1
                if self.inside == 1:
                    self.length = 0
                    parser.CharacterDataHandler = said

        def said(text: str) -> None:
            self.length += len(text)
            self.long_names |= self.length > LONGEST_NAME

        def ended(name: str) -> None:
            self.depth -= 1
            if self.inside and name.rpartition(" ")[2] in _PEOPLE:
                self.inside -= 1
                if not self.inside:
                    parser.CharacterDataHandler = None

        parser.StartElementHandler, parser.EndElementHandler = started, ended
        try:
            parser.Parse(data, True)
        except _Enough:
            pass
        except expat.ExpatError as exc:
            self.problem = f"line {exc.lineno}: {expat.errors.messages.get(exc.code, 'malformed')}"
        return self


def _with_short_names(data: bytes) -> bytes:
    root = etree.fromstring(data, _parser(recover=True))
    for element in root.iter():
        if isinstance(element.tag, str) and etree.QName(element).localname in _PEOPLE:
            text = "".join(element.itertext())
            if len(text) > LONGEST_NAME:
                element[:] = []
                element.text = text[:LONGEST_NAME]
    return bytes(etree.tostring(root, encoding="utf-8"))


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8"
    )


def _recovered(text: str) -> bytes:
    """The document as libxml2 makes sense of it; PageError where it makes none."""
    text = _balanced(_REFERENCE.sub(_character, text))
    wanted = set(_PREFIX.findall(text)) - set(_DECLARED_PREFIX.findall(text)) - {"xml", "xmlns", "http", "https"}
    if 0 < len(wanted) <= 100 and (name := re.match(r"<[^\s<>/]{1,100}", text)):
        known = " ".join(f'xmlns:{p}="{_NAMESPACES.get(p, "urn:undeclared:" + p)}"' for p in sorted(wanted))
        text = f"{name[0]} {known} {text[name.end() :]}"
    parser = _parser(recover=True)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise PageError(f"not well-formed: {exc}") from exc
    if root is None:
        raise PageError("not well-formed: no element can be read")
    return bytes(etree.tostring(root, encoding="utf-8"))


def _balanced(text: str) -> str:
    """The document with an end for every element that begins: an end closes what was left open inside, an end without
    a beginning is dropped. libxml2 alone would take any end for the end of the innermost element."""
    out, stack, at = list[str](), list[str](), 0
    for token in _TOKEN.finditer(text):
        out.append(text[at : token.start()])
        at = token.end()
        end, name, empty = token[1], token[2], token[3]
        lower = (name or "").lower()
        if token[0] == "<":
            out.append("&lt;")
        elif not name or empty:
            out.append(token[0])
        elif not end:
            if stack and stack[-1].lower() == lower in _ENDS_ITSELF:
                out.append(f"</{stack.pop()}>")
            if lower in _VOID:
                out.append(f"{token[0][:-1]}/>")
                continue
            out.append(token[0])
            stack.append(name)
            if len(stack) > DEEPEST:
                raise PageError(f"refused, more than {DEEPEST} elements in one another")
        elif any(opened.lower() == lower for opened in stack):
            closed = ""
            while closed.lower() != lower:
                closed = stack.pop()
                out.append(f"</{closed}>")
    out.append(text[at:])
    out += [f"</{name}>" for name in reversed(stack)]
    return "".join(out)


def _character(found: re.Match[str]) -> str:
    """What a reference stands for that XML does not know; a lone ampersand as its reference."""
    number, name = found[1], found[2]
    if number:
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        good = code in (9, 10, 13) or 32 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
        return found[0] if good else "\ufffd"
    if name:
        return found[0] if name in _XML_NAMES else html5.get(f"{name};", f"&amp;{name};")
    return "&amp;"
