"""How arXiv writes names, dates and categories. Pure helpers of `crawler.sources.arxiv`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
DEADLINE = time(14, 0)  # https://info.arxiv.org/help/availability.html

# https://en.wikibooks.org/wiki/LaTeX/Special_Characters#Escaped_codes, the combining character of each accent command.
_ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a", "d": "\u0323",
    "b": "\u0331",
}  # fmt: skip
_LETTERS = {
    "o": "ø", "O": "Ø", "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "l": "ł",
    "L": "Ł", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ", "ng": "ŋ",
}  # fmt: skip
_LETTER = re.compile(r"\\(" + "|".join(sorted(_LETTERS, key=len, reverse=True)) + r")(?:\{\}|(?![a-zA-Z])\s?)")
_MARK = re.compile(r"""\\(?:(['`^"~=.])\s*|([uvHckrdb])(?:\s+|(?=\{)))(?:\{\s*\\?([a-zA-Zıȷ])\s*\}|\\?([a-zA-Zıȷ]))""")
_DOTLESS = {"ı": "i", "ȷ": "j"}

_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|v|2nd|3rd|ph\.?\s?d)\.?", re.I)
_AND = re.compile(r",?\s+(?:and|&)\s+|^(?:and|&)\s+", re.I)
_COLLABORATION = re.compile(r"^(?P<team>[^,:]*\b(?:collaborations?|team|group|consortium)\b[^,:]*):", re.I)
_ET_AL = re.compile(r"[,\s]*\bet\.?\s+al\b\.?", re.I)

_WITHDRAWN_COMMENT = re.compile(
    r"\bwithdrawn\s+by\b|\b(?:has|have|had)\s+been\s+(?:\w+\s+)?withdrawn\b(?!\s+from)"
    r"|\b(?:is|was)\s+(?:\w+\s+)?withdrawn\b(?!\s+from)|^\W*(?:this\s+)?(?:paper|article|submission)?\s*withdrawn\b(?!\s+from)",
    re.I,
)
_WITHDRAWN_ABSTRACT = re.compile(
    r"\b(?:paper|article|submission|manuscript|preprint)\s+(?:has\s+been|have\s+been|was|is)\s+(?:\w+\s+)?withdrawn\b"
    r"|\bwithdrawn\s+by\s+(?:the\s+)?(?:authors?|submitter|arxiv)\b",
    re.I,
)

_PHYSICS = frozenset(
    {"astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin", "nucl-ex", "nucl-th"}
    | {"physics", "quant-ph"}
)
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z]+(?:-[A-Za-z]+)?)?")


def category(text: str) -> str:
    """The category in arXiv's own spelling (`cs.cv` is `cs.CV`); ValueError for what is none by its form."""
    if not _CATEGORY.fullmatch(text := text.strip()):
        raise ValueError(f"not an arXiv category: {text[:40]!r}")
    archive, dot, subject = text.partition(".")
    return archive + dot + (subject.upper() if len(subject) == 2 else subject)


def covers(asked: str, category: str) -> bool:
    """True when papers of `category` are listed under `asked`: the category itself, or its archive (`cs`)."""
    return asked == category or category.startswith(asked + ".")


def set_spec(category: str) -> str:
    """The OAI-PMH set of a category since March 2025: cs.CV is cs:cs:CV, hep-th is physics:hep-th, cs is cs.

    https://info.arxiv.org/help/oa/index.html
    """
    archive, _, subject = category.partition(".")
    group = "physics" if archive in _PHYSICS else archive
    if not subject:
        return group if group == archive else f"{group}:{archive}"
    return f"{group}:{archive}:{subject}"


def expected_day(now: datetime) -> date:
    """The newest weekday whose midnight in arXiv's time zone (US/Eastern) has passed at `now`: the listing day that
    should be out. arXiv announces Sunday to Thursday evening; holidays are not known here."""
    return _weekday_up_to(now.astimezone(EASTERN).date())


def previous_day(day: date) -> date:
    """The weekday before `day`."""
    return _weekday_up_to(day - timedelta(days=1))


def announcement_day(submitted: datetime) -> date:
    """The listing day of a paper submitted at this moment: submissions until 14:00 US/Eastern of a weekday are listed
    on the next weekday, later ones with the next batch (https://info.arxiv.org/help/availability.html)."""
    local = submitted.astimezone(EASTERN)
    batch = local.date() + timedelta(days=1 if local.time() >= DEADLINE else 0)
    while batch.weekday() >= 5:
        batch += timedelta(days=1)
    listed = batch + timedelta(days=1)
    return listed if listed.weekday() < 5 else listed + timedelta(days=7 - listed.weekday())


def parse_time(text: str) -> datetime | None:
    """A time as arXiv writes it (`Fri, 21 Nov 2008 22:55:07 GMT`, ISO 8601) in UTC; None for anything else."""
    text = text.strip()
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
    try:
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError:
        return None


def from_latex(name: str) -> str:
    r"""A name with simple LaTeX accents as Unicode: `Bal\'azs`, `M\"uller`, `{\O}rsted`, `Ho\v{r}ava`.

    What is not understood stays as it is, without braces and with `~` as a space.
    """
    if "\\" in name:
        name = _LETTER.sub(lambda m: _LETTERS[m[1]], name)
        name = _MARK.sub(_accented, name)
    return unicodedata.normalize("NFC", name.replace("{", "").replace("}", "").replace("~", " "))


def _accented(match: re.Match[str]) -> str:
    mark = match[1] or match[2]
    letter = match[3] or match[4]
    return unicodedata.normalize("NFC", _DOTLESS.get(letter, letter) + _ACCENTS[mark])


def split_authors(text: str) -> tuple[str, ...]:
    """The names in arXiv's one string: `A. One, B. Two Jr. and C. Three (Univ X)` gives three; affiliations go."""
    plain = _outside_parentheses(from_latex(" ".join(text.split())))
    plain = _ET_AL.sub("", plain)
    if team := _COLLABORATION.match(plain):
        plain = f"{team['team']},{plain[team.end() :]}"
    names: list[str] = []
    for part in re.split(r"[,;]", _AND.sub(", ", plain)):
        part = " ".join(_AND.sub("", part.strip() + " ").split())
        if not part:
            continue
        if names and _SUFFIX.fullmatch(part):
            names[-1] += " " + part
        else:
            names.append(part)
    return tuple(names)


def _outside_parentheses(text: str) -> str:
    if "(" not in text:
        return text
    out, depth = [], 0
    for c in text:
        if c == "(":
            depth += 1
        elif c == ")":
            depth = max(0, depth - 1)
        elif not depth:
            out.append(c)
    return "".join(out)


def is_withdrawn(comment: str, abstract: str) -> bool:
    """True when the comment or the abstract says that the paper itself was withdrawn."""
    if "withdrawn" not in comment.lower() and "withdrawn" not in abstract.lower():
        return False
    return bool(_WITHDRAWN_COMMENT.search(comment) or _WITHDRAWN_ABSTRACT.search(abstract))


def names_of(parts: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    """Names from (key name, forenames, suffix), each possibly empty."""
    return tuple(
        [" ".join([p for p in (first, last, suffix) if p]).strip() for last, first, suffix in parts if last or first]
    )


def _weekday_up_to(day: date) -> date:
    return day - timedelta(days=max(0, day.weekday() - 4))
