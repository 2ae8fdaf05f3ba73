r"""BibTeX as PMLR publishes it, read tolerantly: entries, and texts without LaTeX.

Entries begin at the start of a line, so that a broken one never swallows its neighbours; values are in braces, in quotes
or bare. https://proceedings.mlr.press/spec.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crawler.sources._arxiv_text import from_latex
from crawler.sources._proceedings import turned, without_markup

_START = re.compile(r"^[ \t]*@([A-Za-z]{1,40})[ \t]*[{(]", re.M)
_NOT_ENTRIES = ("comment", "preamble", "string")
_FIELD = re.compile(r"[\s,]*([A-Za-z][\w-]{0,40})\s*=\s*")
_NEXT_FIELD = re.compile(r"\n[\s,]*(?=[A-Za-z][\w-]{0,40}\s*=\s*[{\"\d])")
_SWALLOWED = re.compile(
    r",[ \t]*\n\s*(?:title|author|booktitle|pages|year|editor|volume|series|month|publisher|pdf|url|abstract|openreview"
    r"|software|section|supp)\s*=\s*[{\"\d]",
    re.I,
)
_BRACE = re.compile(r"[{}]")
_BARE = re.compile(r"[^\s,{}\"]*")

_MATH = re.compile(r"((?<!\\)\$[^$]{1,2000}?(?<!\\)\$|\\\(.{1,2000}?\\\))", re.S)
_FONT = re.compile(
    r"\\(?:emph|text(?:it|bf|tt|sc|sf|rm|sl)?|url|mbox|underline)\s*\{([^{}]*)\}|\\(?:em|it|bf|tt|sc)\b\s*"
)
_QUOTED = re.compile(r"``(.{1,500}?)(?:''|(?<!\\)\")", re.S)
_ESCAPED = re.compile(r"\\([%&_#$ ])")
_SPECIAL = {
    "\\textendash": "–", "\\textemdash": "—", "\\textquoteright": "’", "\\textquoteleft": "‘", "\\ldots": "…",
    "\\dots": "…", "\\textbackslash": "\\", "\\textasciicircum": "^", "\\\\": " ",
}  # fmt: skip
_SPECIALS = re.compile("|".join(re.escape(s) + (r"(?![a-zA-Z])(?:\{\})?" if s[-1].isalpha() else "") for s in _SPECIAL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: its type in lower case, its key, and its values as written, by name in lower case."""

    kind: str
    key: str
    values: Mapping[str, str]

    def plain(self, name: str) -> str:
        """A value without LaTeX, "" where there is none."""
        return plain(self.values.get(name, ""))

    def names(self, name: str) -> tuple[str, ...]:
        """People as `First Last`; `and others` is no one."""
        people = [from_latex(part) for part in _parted(" ".join(self.values.get(name, "").split()))]
        return tuple(turned(person) for person in people if person and person != "others")


def entries(text: str) -> Iterator[Entry]:
    """The entries in order; what is not understood in one is skipped."""
    starts = list(_START.finditer(text))
    ends = [*(m.start() for m in starts[1:]), len(text)]
    for match, end in zip(starts, ends, strict=False):
        kind = match[1].lower()
        if kind in _NOT_ENTRIES:
            continue
        chunk = text[match.end() : end]
        key, _, rest = chunk.partition(",")
        yield Entry(kind=kind, key=key.strip(), values=_values(rest))


def _values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    at = 0
    while match := _FIELD.match(text, at):
        value, at = _value(text, match.end())
        values.setdefault(match[1].lower(), value)
        if not _FIELD.match(text, at) and (further := _NEXT_FIELD.search(text, at)):
            at = further.start()  # a brace too many ended the value early
    return values


def _value(text: str, at: int) -> tuple[str, int]:
    """The value that begins there, and where it ends."""
    opening = text[at : at + 1]
    if opening == "{":
        end = _closing(text, at)
        further = _SWALLOWED.search(text, at, end or len(text))
        if further:  # a brace is missing, and the value took the next ones in
            return text[at + 1 : further.start()].strip(), further.start()
        if end is None:
            return text[at + 1 :].strip().removesuffix("}"), len(text)
        return text[at + 1 : end].strip(), end + 1
    if opening == '"':
        end, depth = at + 1, 0
        while end < len(text) and (depth or text[end] != '"'):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        return text[at + 1 : end].strip(), end + 1
    match = _BARE.match(text, at)
    return (match[0], match.end()) if match else ("", at)


def _closing(text: str, at: int) -> int | None:
    depth = 0
    for brace in _BRACE.finditer(text, at):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    return None


def _parted(names: str) -> list[str]:
    """The parts between the `and`s that stand outside braces."""
    parts, depth = [""], 0
    for word in names.split(" "):
        if word == "and" and not depth:
            parts.append("")
            continue
        depth += word.count("{") - word.count("}")
        parts[-1] = f"{parts[-1]} {word}".strip()
    return parts


def plain(text: str) -> str:
    r"""Text without LaTeX accents, fonts, escapes and protecting braces, and without HTML; formulas stay as written.

    `{B}ayesian \emph{G\"odel} at 5\%` is `Bayesian Gödel at 5%`.
    """
    parts = _MATH.split(text)  # every second one is a formula
    return without_markup("".join(part if odd % 2 else _prose(part) for odd, part in enumerate(parts)))


def _prose(text: str) -> str:
    if "\\" in text:
        text = _SPECIALS.sub(lambda m: _SPECIAL[m[0].removesuffix("{}")], text)
        text = _FONT.sub(lambda m: m[1] or "", text)
        text = _ESCAPED.sub(lambda m: m[1], text)
    if "``" in text:
        text = _QUOTED.sub(r"“\1”", text)
    text = text.replace("---", "—").replace("--", "–")
    return from_latex(text)
