"""Text from outside, made harmless and comparable.

`clean` is applied to every text that enters (records do it themselves), so nothing behind it meets NUL, terminal
escapes or right-to-left overrides. HTML is *not* escaped here: that is each output's own task.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

# C0 and C1 controls (terminal escapes start with one), zero-width and bidirectional controls, interlinear marks,
# byte-order marks, unassigned tag characters and lone surrogates (which SQLite cannot store).
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_ESCAPE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\\\)|[@-_])")  # ECMA-48 sequences
_SPACE = re.compile(r"\s+")
_TAG = re.compile(r"<(?:!--.*?(?:-->|\Z)|/?[a-zA-Z][^<>]{0,2000}>)", re.S)  # the end of an open comment is the end
_BLOCK_TAG = re.compile(r"<(?:br|/p|/div|/li|/h[1-6])\b[^<>]{0,200}>", re.I)
_SCRIPT = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.I | re.S)
_WORD = re.compile(r"[^\W_]+")
_LATEX = re.compile(r"\\[a-zA-Z]+\*?|[{}$^_~]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


def clean(text: str) -> str:
    """The text on one line: no control, escape or direction characters, white space folded, NFC."""
    flat = text.replace("\n", " ")
    if flat.isprintable():  # nothing to remove, and no white space but plain spaces: most texts, much faster
        if "  " in flat or flat[:1] == " " or flat[-1:] == " ":
            flat = " ".join(flat.split())
        return flat if flat.isascii() else unicodedata.normalize("NFC", flat)
    return _SPACE.sub(" ", _strip(text)).strip()


def clean_block(text: str) -> str:
    """Like `clean`, but paragraphs (blank lines) stay; hard wraps inside a paragraph are undone."""
    wrapped = "\n\n" not in text and "\n " not in text and "\n\t" not in text
    if wrapped and text.replace("\n", "").isprintable():  # one paragraph without anything to remove
        return clean(text)
    paragraphs = re.split(r"\n[ \t]*\n|\n(?=[ \t]{2,}\S)", _strip(text))
    return "\n\n".join(p for p in (_SPACE.sub(" ", part).strip() for part in paragraphs) if p)


def _strip(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _CONTROL.sub("", _ESCAPE.sub("", text)))


def from_html(text: str) -> str:
    """The readable text of an HTML fragment, paragraphs kept. Not a sanitiser: the result is plain text."""
    text = _TAG.sub("", _BLOCK_TAG.sub("\n\n", _SCRIPT.sub("", text)))
    return clean_block(html.unescape(text))


def title_key(title: str) -> str:
    """The key under which equal titles meet: case, accents, punctuation, LaTeX marks and spacing do not count.

    Numerals and words stay, so "Part I" and "Part II" differ. Empty when nothing is left.
    """
    plain = unicodedata.normalize("NFKD", html.unescape(title)).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return "".join(_WORD.findall(_LATEX.sub(" ", plain)))


def text_hash(title: str, abstract: str) -> str:
    """What a vector is checked against: it changes exactly when the embedded text does. 16 hex digits."""
    return hashlib.sha256(f"{title}\n{abstract}".encode()).hexdigest()[:16]


def is_latin(text: str) -> bool:
    """True when at least 70 % of the letters are Latin: the default model knows no other script."""
    letters = [c for c in text if c.isalpha()]
    return not letters or len(_LATIN.findall(text)) >= 0.7 * len(letters)
