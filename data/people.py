"""Author lists made comparable: who stands on both, however the names are written.

Names come as "Given Family", "Family, Given", with initials, in either order, with and without accents (or with these
spelt out: Müller, Mueller), with marks of affiliation, lists as one string, cut short, or doubled. Comparing takes time linear in both lists but
for people of one family name, so that collaborations of thousands cost milliseconds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "a", "œ": "o", "ı": "i", "ħ": "h", "ŧ": "t", "ə": "e"}
    | dict.fromkeys("'’‘ʼ`´\"", None)
)
_SPELT_OUT = re.compile("([aou])e")
_UMLAUTS = ("ae", "oe", "ue", "aa")
_SHORTEST_SPELT_OUT = 5
"""Letters from which a word's ae, oe, ue are read as ä, ö, ü: Mueller, but not Xue or Jae."""

_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"})
_TITLES = frozenset({"dr", "prof"})
# fmt: off
_PARTICLES = frozenset({
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "do", "dos", "du", "la", "le", "el", "al", "bin",
    "ibn", "ben", "ter", "ten", "af", "av",
})
# fmt: on
_NOBODY = frozenset(
    {
        "anonymous",
        "anonymous author",
        "anonymous authors",
        "anonymous author(s)",
        "anonymous submission",
        "anon",
        "unknown",
        "unknown author",
        "unknown authors",
        "author unknown",
        "n/a",
        "none",
        "no authors listed",
        "paper under double-blind review",
        "under double-blind review",
    }
)
"""What stands in place of a name."""
_MARKS = "0123456789*\u2217\u2020\u2021\u00a7\u00b6# "
_NUMBER = re.compile(r"(?<=[^\W\d_])[\d\u00b9\u00b2\u00b3\u2070-\u2079]+(?!\w)")
_MORE_THAN_A_NAME = (",", ";", "&", " and ", "others", "et al", "et. al", "...", "…")
_REST = re.compile(r"(?:\bet\.? ?al\b\.?|\band (?:\d+ )?others?\b|\bothers\b|\.\.\.|…)[.\s]*$", re.I)
_LONGEST_REST = 40
_AND = re.compile(r",?\s(?:and|&)\s|;", re.I)
_DASHES = re.compile("[\u2010-\u2015]")
_NO_LETTER = re.compile(r"[^\w-]|_|\b\d+(?![\w-])")  # DBLP numbers namesakes: "Wei Wang 0001"
_NAME_CACHE = 20_000
_MOST_COMPARED = 1_000
"""Pairs of people with different family names that are looked at for names in other order and double family names."""


@dataclass(frozen=True, slots=True)
class Name:
    """A folded name. `family` is the last word of the family name, `given` the words (or initials) before it."""

    family: str
    given: tuple[str, ...]
    words: str  # every word in alphabetical order, so that the order of writing does not count


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How far two author lists agree; `fewer` and `more` count the people of the shorter and the longer list."""

    shared: int
    fewer: int
    more: int
    cut_short: bool  # one of them ends in "et al."
    by_initials: bool = False  # somebody is shared, but nobody whose given name both lists write out

    @property
    def all_of_fewer(self) -> bool:
        """Nobody of the shorter list is missing from the longer."""
        return self.shared == self.fewer > 0

    @property
    def share(self) -> float:
        """Shared people by the longer list, by the shorter one where a list is cut short; in [0, 1], 0 for no list."""
        return self.shared / max(1, self.fewer if self.cut_short else self.more)


def overlap(a: Sequence[str], b: Sequence[str]) -> Overlap:
    """Whom two author lists share; numbers at names count as marks of affiliation where only one list has them."""
    one, cut_a = people(a)
    two, cut_b = people(b)
    if _is_numbered(one) != _is_numbered(two):
        one, two = people(unmarked(a))[0], people(unmarked(b))[0]
    if [n.words for n in one] > [n.words for n in two]:
        one, two = two, one
    fewer, more = sorted((len(one), len(two)))
    shared, written_out = _shared(one, two)
    return Overlap(
        shared=shared, fewer=fewer, more=more, cut_short=cut_a or cut_b, by_initials=shared > 0 and written_out == 0
    )


def incomparable(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether no name of one list could be compared with any of the other: a list is empty or anonymous, or the one is
    wholly in other scripts than the other (王小明 and Xiaoming Wang may be one person)."""
    one, two = (_scripts(people(authors)[0]) for authors in (a, b))
    return one.isdisjoint(two)


def _scripts(names: Sequence[Name]) -> frozenset[str]:
    """The scripts in which names are written, as Unicode names them; Japanese ones count as Chinese."""
    found = set()
    for char in {c for name in names for c in name.words}:
        if char.isalpha() and not char.isascii():
            script = unicodedata.name(char, "").partition(" ")[0]
            found.add("CJK" if script in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA") else script)
        elif char.isalpha():
            found.add("LATIN")
    return frozenset(found - {"", "MODIFIER"})


def unmarked(authors: Sequence[str]) -> list[str]:
    """The list without the numbers at the ends of words, which mark affiliations ("Ada Quill1,2")."""
    return [_NUMBER.sub("", text) for text in ([authors] if isinstance(authors, str) else authors)]


def _is_numbered(names: Sequence[Name]) -> bool:
    return not all(name.words.isalpha() for name in names)


def people(authors: Sequence[str]) -> tuple[list[Name], bool]:
    """The people of a list, each once, in order; and whether the list says that it is cut short."""
    written, cut = _split([authors] if isinstance(authors, str) else authors)
    names = {name.words: name for name in map(fold_name, written)}
    names.pop("", None)
    return list(names.values()), cut


@lru_cache(maxsize=_NAME_CACHE)
def fold_name(text: str) -> Name:
    """A name as it is compared; all parts are empty when it has no letters or says that there is none ("Anonymous")."""
    if text.strip(_MARKS + "[](){}.,;-").lower() in _NOBODY:
        return Name("", (), "")
    before, comma, after = text.partition(",")
    if comma:
        after, _, rest = after.partition(",")  # Family, Jr., Given
        if _bare(after) in _SUFFIXES:
            after = rest
        elif _bare(before) in _SUFFIXES:
            before, after = after, rest
    family, given = _folded_words(before), _folded_words(after) if comma else []
    if not given:
        family, given = _western(family)
    if not family:
        family, given = given[-1:], given[:-1]
    words = given + family
    if "-" in text or not text.isascii():
        words = [part for word in words for part in word.split("-") if part]
        whole = [word.replace("-", "") for word in given + family]
    else:
        whole = words
    last = words[-1] if words else ""
    return Name(last, tuple(words[:-1]), "".join(sorted(whole)))


def _western(words: list[str]) -> tuple[list[str], list[str]]:
    """(family, given) of a name without a comma: the family name is last unless only initials follow the first word."""
    if len(words) > 1 and len(words[0]) > 1 and all(len(w) == 1 for w in words[1:]):
        return words[:1], words[1:]
    return words[-1:], words[:-1]


def _bare(text: str) -> str:
    return text.strip(" .").lower()


def _folded_words(text: str) -> list[str]:
    """Words in small letters without accents; hyphens stay, full stops part initials, suffixes such as Jr. go."""
    text = text.lower().replace(".", " ")
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
        text = _DASHES.sub("-", text).translate(_LETTERS)
    words = text.split()
    if not "".join(words).isalpha():
        parts = _NO_LETTER.sub(" ", text.translate(_LETTERS)).split()
        words = [w for raw in parts if (w := raw.strip("-"))]
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    if len(words) > 1 and words[0] in _TITLES:
        del words[0]
    if not any(map(text.__contains__, _UMLAUTS)):
        return words
    words = [w.replace("aa", "a") for w in words]  # Aasen, Åsen
    return [_SPELT_OUT.sub(r"\1", w) if len(w) >= _SHORTEST_SPELT_OUT else w for w in words]


def _split(authors: Sequence[str]) -> tuple[list[str], bool]:
    """One text per person, and whether the list is cut short ("et al.")."""
    out: list[str] = []
    cut = False
    for entry in authors:
        low = entry.lower()
        if not any(map(low.__contains__, _MORE_THAN_A_NAME)):
            out.append(entry)
            continue
        text = entry.strip()
        end = text[-_LONGEST_REST:]
        if rest := _REST.search(end):
            cut = True
            text = text[: len(text) - len(end) + rest.start()].strip(" ,;")
        parts = [p for raw in _AND.split(text) if (p := raw.strip())]
        family_first = len(authors) > 1 or (len(parts) > 1 and all(p.count(",") == 1 for p in parts))
        for part in parts:
            if "," in part:
                out += _at_commas(part, family_first=family_first)
            else:
                out.append(part)
    return out, cut


def _at_commas(text: str, *, family_first: bool) -> list[str]:
    """The people of a text with commas: "Family, Given", "Family, G., Family, G." or "Given Family, Given Family"."""
    pieces = _without_suffixes([p for raw in text.split(",") if (p := raw.strip(" ."))])
    if len(pieces) < 3 and (family_first or not all(" " in p for p in pieces)):
        return [", ".join(pieces)]
    if 2 * sum(" " in p for p in pieces) < len(pieces) and len(pieces) % 2 == 0:
        return [f"{pieces[i]}, {pieces[i + 1]}" for i in range(0, len(pieces), 2)]
    return pieces


def _without_suffixes(pieces: list[str]) -> list[str]:
    return [p for p in pieces if p.lower() not in _SUFFIXES and p.strip(_MARKS)] or pieces


def _shared(one: list[Name], two: list[Name]) -> tuple[int, int]:
    """How many of `one` are on `two`, each person of `two` taken once; and of how many more than initials agree."""
    exact = {n.words for n in one} & {n.words for n in two}
    written_out = sum(n.words in exact and (not n.given or _is_written_out(n)) for n in one)
    left = [n for n in one if n.words not in exact]
    waiting: dict[str, list[Name]] = {}
    for name in two:
        if name.words not in exact:
            waiting.setdefault(name.family, []).append(name)
    alone: list[Name] = []
    shared = len(exact)
    for name in left:
        if (other := _take(name, waiting.get(name.family, []))) is None:
            alone.append(name)
        else:
            shared += 1
            written_out += _is_written_out(name) and _is_written_out(other)
    others = [name for names in waiting.values() for name in names]
    if len(alone) * len(others) <= _MOST_COMPARED:
        for name in alone:
            if (other := _take(name, others)) is not None:
                shared += 1
                written_out += _is_written_out(name) and _is_written_out(other)
    return shared, written_out


def _take(name: Name, others: list[Name]) -> Name | None:
    """The one of the others who may be the person, then taken out."""
    for i, other in enumerate(others):
        if same_person(name, other):
            return others.pop(i)
    return None


def _is_written_out(name: Name) -> bool:
    """Whether more than initials of a given name is known."""
    return any(len(word) > 1 and word not in _PARTICLES for word in name.given)


def same_person(a: Name, b: Name) -> bool:
    """Whether two names may be one person's: equal family names and given names that do not contradict."""
    if a.words == b.words:
        return True
    if a.family != b.family:
        swapped = {a.family, "".join(a.given)} == {b.family, "".join(b.given)}
        return swapped or _contains(a, b) or _contains(b, a)
    mine = tuple(g for g in a.given if g not in _PARTICLES)
    yours = tuple(g for g in b.given if g not in _PARTICLES)
    if not mine or not yours:
        return True
    return _given_agree(mine, yours)


def _given_agree(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    whole_a, whole_b = "".join(a), "".join(b)
    if whole_a == whole_b or whole_a in b or whole_b in a:
        return True
    first, second = a[0], b[0]
    if first[0] != second[0]:
        return (len(second) > 1 and second in a) or (len(first) > 1 and first in b)
    if len(a) > 1 and len(b) > 1 and a[1][0] != b[1][0]:
        return False
    return len(first) == 1 or len(second) == 1 or whole_a.startswith(second) or whole_b.startswith(first)


def _contains(a: Name, b: Name) -> bool:
    """Every word of `b`, two or more of them written out, is a word of `a` ("Ana Ruiz" in "Ana Ruiz Vega")."""
    words = {a.family, *a.given}
    full = [w for w in (b.family, *b.given) if len(w) > 1]
    return len(full) > 1 and words.issuperset((b.family, *b.given))
