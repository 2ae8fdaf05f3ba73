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
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


def clean(text: str) -> str:
    """The text on one line: no control, escape or direction characters, white space folded, NFC."""
    flat = text.replace("\n", " ")
    return _folded(flat) if flat.isprintable() else _SPACE.sub(" ", _strip(text)).strip()


def clean_block(text: str) -> str:
    """Like `clean`, but paragraphs (blank lines) stay; hard wraps inside a paragraph are undone."""
    lines = text.strip().split("\n")
    broken = any([line[:1] in _NEW_PARAGRAPH for line in lines])  # noqa: C419 (a list is faster than a generator)
    if not broken and (flat := " ".join(lines)).isprintable():
        return _folded(flat)
    paragraphs = re.split(r"\n[ \t]*\n|\n(?=[ \t]{2,}\S)", _strip(text))
    return "\n\n".join(p for p in (_SPACE.sub(" ", part).strip() for part in paragraphs) if p)


_NEW_PARAGRAPH = ("", " ", "\t")  # how a line begins that may start one


def _folded(text: str) -> str:
    """A text with nothing to remove, and no white space but plain spaces, as `clean` has it: most texts, much faster."""
    if "  " in text or text[:1] == " " or text[-1:] == " ":
        text = " ".join(text.split())
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _strip(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _CONTROL.sub("", _ESCAPE.sub("", text)))


def from_html(text: str) -> str:
    """The readable text of an HTML fragment, paragraphs kept. Not a sanitiser: the result is plain text."""
    text = _TAG.sub("", _BLOCK_TAG.sub("\n\n", _SCRIPT.sub("", text)))
    return clean_block(html.unescape(text))


def title_key(title: str) -> str:
    """The key under which equal titles meet: `title_words` without the spaces. Empty when nothing is left.

    Numerals and words stay, so "Part I" and "Part II" differ, and so do "C" and "C++", "A" and "A*".
    """
    if title.isascii():
        low = title.lower()
        if not any(map(low.__contains__, _SPECIAL)):
            return low.translate(_ONLY_ALPHANUMERIC)
    return "".join(title_words(title))


def title_words(title: str) -> list[str]:
    """The words of a title as they are compared.

    Case, accents, punctuation, ligatures, entities and LaTeX mark-up do not count; symbols are words (`$\\alpha$`, "α"
    and "alpha" are one, "&" is "and", "+" is "plus", and a "*" behind a letter is "star" but for a footnote's at the end
    of the title); labels around the title ("Supplementary material for", "[Retracted]",
    "(extended version)") are left out unless nothing else is there.
    """
    head, tail = title_parts(title)
    return [*head, *tail]


def title_parts(title: str) -> tuple[list[str], list[str]]:
    """`title_words` before and after the first colon or dash; all of them in the first list when there is none."""
    text = _readable(title)
    bare = _without_labels(text)
    if mark := _COLON.search(bare):
        head, tail = bare[: mark.start()].translate(_FOLDED).split(), bare[mark.end() :].translate(_FOLDED).split()
        if head and tail:
            return head, tail
    return bare.translate(_FOLDED).split() or text.translate(_FOLDED).split(), []


_LABELS = ("suppl", "appendi", "retracted", "withdrawn", "version", "material", "report", "arxiv", "preprint")
_SPECIAL = ("\\", "&", "<", "(", "+", "*", "degree", *_LABELS)  # what the quick way of `title_key` cannot do
_ONLY_ALPHANUMERIC = {i: None for i in range(128) if not chr(i).isalnum()}

# fmt: off
_GREEK = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
]
# fmt: on
_SYMBOLS = {
    **{chr(0x3B1 + i): name for i, name in enumerate(_GREEK)},
    "\u03d1": "theta",
    "\u03d5": "phi",
    "\u03f5": "epsilon",
    "\u221e": "infinity",
    "\u00d7": "x",
    "\u2a2f": "x",
    "\u2207": "nabla",
    "\u2202": "partial",
    "\u00b0": "deg",
    "\u2218": "deg",
    "\u02da": "deg",
    "\u00f8": "o",
    "\u0142": "l",
    "\u0111": "d",
    "\u00f0": "d",
    "\u00fe": "th",
    "\u00e6": "ae",
    "\u0153": "oe",
    "\u0131": "i",
    "\u0127": "h",
    "\u0167": "t",
    "\u2192": " to ",
    "+": " plus ",
}  # fmt: skip


class _Folding(dict[int, str | int | None]):
    """For str.translate after NFKD and casefold: symbols become words, marks vanish, all but letters a space."""

    def __missing__(self, point: int) -> str | int | None:
        char = chr(point)
        out: str | int | None = point
        if unicodedata.combining(char) or char in "'\u2019\u2018`_^{}$":
            out = None
        elif char in _SYMBOLS:
            out = _SYMBOLS[char]
        elif not char.isalnum():
            out = " "
        self[point] = out
        return out


_FOLDED = _Folding()

_MARKUP = re.compile(r"</?(?:i|b|em|strong|su[bp]|tt|span|scp|inf|p|br|mml:\w{1,12}|math|m\w{1,6})\b[^<>]{0,200}>")
_ACCENT = re.compile(r"\\(?:[`'^\"~=.]|[vcuhkrdbt](?=\{))\s?(?:\{\s?\\?([a-z])\s?\}|\\?([a-z]))")
_COMMAND = re.compile(r"\\([a-z]+)\*?[ ]?")
_FORMATTING = re.compile(
    r"(?:text|math|font|operatorname|emph|ensuremath|mbox|hbox|rm|bf|it|tt|sc|sf|sl|cal|bb|left|right|big|large|small"
    r"|over|under|hat|tilde|bar|vec|dot|widehat|widetilde|boldsymbol|bm|prime|dagger|cdot|xspace|protect|url"
    r"|footnote"
    r"|thanks|uppercase|lowercase|displaystyle|limits|sim|quad|hspace|vspace)[a-z]*"
)
_COMMANDS = {
    "infty": "infinity", "times": "x", "circ": "deg", "degree": "deg", "ell": "l", "to": " to ", "rightarrow": " to ",
    "aa": "a", "and": " and ", "star": "*", "ast": "*",
}  # fmt: skip
_DEGREES = re.compile(r"(?<=\d)(?: |-)?degrees?\b")
_SIGNS = re.compile(r"\((?:r|tm|c)\)|[\u00ae\u2122\u00a9]")
_IN_WORD = re.compile(r"\(([a-z]{1,4})\)(?=[a-z])|(?<=[a-z])\((s|es)\)")  # (un)supervised, model(s)
_STAR = re.compile(r"(?<=[^\W\d_])\$?\^?\{?[*\u2217\u22c6]")  # A*, A^*, $A^{*}$
_STARS = "*\u2217\u22c6"
_FOOTNOTE_BEHIND = 8
"""Letters of a title's last word from which a star behind it is a footnote's: "Environments*", but not "RRT*"."""
_COLON = re.compile(r":|\s[-\u2010-\u2015]{1,3}\s|[\u2014]")


def _readable(title: str) -> str:
    """In lower case and NFKD, without entities and mark-up of HTML and LaTeX."""
    text = title
    if "&" in text:
        text = html.unescape(html.unescape(text)).replace("\\&", " and ").replace("&", " and ")
    text = text.lower() if text.isascii() else unicodedata.normalize("NFKD", _SIGNS.sub("", text)).casefold()
    if "<" in text:
        text = _MARKUP.sub("", text)
    if "\\" in text:
        text = _COMMAND.sub(_command, _ACCENT.sub(lambda m: m[1] or m[2], text))
    if "(" in text:
        text = _IN_WORD.sub(lambda m: m[1] or m[2], _SIGNS.sub("", text))
    if "degree" in text:
        text = _DEGREES.sub("deg", text)
    if any(map(text.__contains__, _STARS)):
        text = _STAR.sub(" star ", _without_footnote(text))
    return text


def _without_footnote(text: str) -> str:
    bare = text.rstrip(f"{_STARS}$^{{}} \t\n").lstrip()
    last = bare[-_FOOTNOTE_BEHIND:]
    return bare if len(last) == _FOOTNOTE_BEHIND and last.isalpha() and " " in bare else text


def _command(match: re.Match[str]) -> str:
    name = match[1]
    if name in _COMMANDS:
        return _COMMANDS[name]
    if _FORMATTING.fullmatch(name):
        return ""
    symbol = name.removeprefix("var")
    return f"{symbol} " if match[0].endswith(" ") else symbol


_SUPPLEMENT = (
    r"(?:(?:online |technical )?(?:suppl(?:ement(?:ary|al|s)?)?|supp)\b\.?"
    r"(?: (?:materials?|files?|information|documents?|append(?:ix|ices)|notes?|text|pdf))?"
    r"|(?:online |technical )?append(?:ix|ices)|material(?= for ?:))"
)
_BEFORE = re.compile(
    rf"[\W_]{{0,5}}(?:{_SUPPLEMENT}(?: (?:for|of|to)\b(?: (?:the |our |this )?"
    r"(?:paper|article|submission|manuscript)\b)?"
    r" ?[^\w(\[]{0,6}| ?[:\u2010-\u2015-][^\w(\[]{0,6})"
    r"|[(\[](?:retracted|withdrawn)(?: article| paper)?[)\]][^\w(\[]{0,4}"
    r"|(?:retracted|withdrawn)(?: article| paper)? ?: ?)"
)
_AFTER = re.compile(
    r"(?:(?:[(\[]|\s[-:\u2010-\u2015]|:|\.) ?(?:(?:with )?(?:the )?"
    rf"{_SUPPLEMENT}|(?:(?:the )?(?:extended|full|long|longer|complete|arxiv|preprint|journal|technical|"
    r"camera[- ]ready|corrected|"
    r"revised|updated) (?:arxiv )?(?:version|report)|arxiv|preprint))[^\w]{0,6})$"
)
_LONGEST_LABEL = 60


def _without_labels(text: str) -> str:
    """The title without the labels before and behind it; empty when it is nothing but a label."""
    if not any(map(text.__contains__, _LABELS)):
        return text
    text = text.strip()
    if before := _BEFORE.match(text):
        text = text[before.end() :]
    start = max(0, len(text) - _LONGEST_LABEL)
    if after := _AFTER.search(text, start):
        text = text[: after.start()]
    return text


def text_hash(title: str, abstract: str) -> str:
    """What a vector is checked against: it changes exactly when the embedded text does. 16 hex digits."""
    return hashlib.sha256(f"{title}\n{abstract}".encode()).hexdigest()[:16]


def is_latin(text: str) -> bool:
    """True when at least 70 % of the letters are Latin: the default model knows no other script."""
    if text.isascii():
        return True
    letters = [c for c in text if c.isalpha()]
    return not letters or len(_LATIN.findall(text)) >= 0.7 * len(letters)
