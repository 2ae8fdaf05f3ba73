"""Whether two records are one paper. Pure decisions on two descriptions: no SQL, no network.

In this order: ids (one in common joins, two of one scheme part), titles that are no titles ("Editorial"), authors,
years, guards (what makes near-equal titles two papers: numerals, opposites, languages, a direction turned round), and
then how much of the titles agrees, which must be the more the less the rest says. Every decision carries its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from hashlib import blake2b

from data.people import Overlap, incomparable, overlap, people, unmarked
from data.text import title_key, title_parts
from data.wording import COMMON_WORDS, FUNCTION_WORDS, compare_titles, is_named, names_of_two_resources


class Verdict(Enum):
    """What is done with a pair: joined, listed for the user, or left alone."""

    SAME = "same"
    UNSURE = "unsure"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is known of one side."""

    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)  # scheme -> value
    abstract: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and the reason for it, one short line for people."""

    verdict: Verdict
    reason: str


# --- what may be joined -----------------------------------------------------------------------------------------------

SHORTEST_TITLE = 12
"""Letters of a normalised title below which equal titles need every author in common."""

LONG_TITLE = 30
"""Letters from which equal titles without authors are worth a look, and with one author in common, by an initial, are
one paper."""

MAX_YEARS_APART = 2
"""A preprint and its proceedings page may be this many years apart and still be one paper."""

MAX_YEARS_APART_ALL_AUTHORS = 5
"""The same where the titles are all but equal and no author is missing: journals come late, and so do some
preprints."""

MIN_SHARE_EQUAL_TITLES = 0.5
"""The share of the shorter author list that must be on the longer one where titles are equal."""

ALL_AUTHORS, MOST_AUTHORS = 0.7, 0.5
"""Shares of the longer author list that must be on the shorter one where titles differ; below the first, titles must
agree by FEWER_AUTHORS_NEED more."""

ENOUGH_PREPRINT_AND_PUBLISHED = 0.73
"""Agreement of titles (`data.wording`) from which a preprint and a published paper of the same people are one. Of
retitled preprints 96 % reach it, of the titles of a group's other papers, each taken with the most alike, 2 %."""

ENOUGH_VENUE_UNKNOWN = 0.83
"""The same where the venue of one is not known."""

ENOUGH_BOTH_PUBLISHED = 0.95
"""The same for two published papers: people reuse the wording of their titles from paper to paper."""

ENOUGH_BOTH_PREPRINTS = 0.97
"""The same for two preprints: one preprint has one page, so most such pairs are two papers."""

ENOUGH_PREPRINT_LATER = 0.85
"""The same for a preprint that is dated after the published paper, or more than MAX_YEARS_APART before it."""

FEWER_AUTHORS_NEED, COMMENT_GIVES, ALIKE_GIVES = 0.1, 0.06, 0.15
"""What is added to the agreement that is needed, or taken from it: authors missing; the preprint's comment names the
venue; the abstracts are alike."""

WORTH_A_LOOK_BELOW = 0.1
"""Pairs that miss the needed agreement by no more than this may be listed."""

LEAST_AGREEMENT = ENOUGH_PREPRINT_AND_PUBLISHED - COMMENT_GIVES - ALIKE_GIVES - WORTH_A_LOOK_BELOW
"""Agreement of titles below which nothing else helps."""

ALIKE_ABSTRACTS, UNLIKE_ABSTRACTS = 0.85, 0.3
"""Shares of the shorter abstract's words that are in the other: from the first on one text was written from the other
(0.1 % of 84,000 pairs of papers with first author and title words in common), below the second they have the field in
common (93 %)."""

SHORTEST_ABSTRACT = 25
"""Different words that an abstract must have to count."""

LONGEST_TITLE = 2_000
"""Letters of a title that are compared where titles are not equal."""

ALIKE_COSINE, UNLIKE_COSINE = 0.95, 0.45
"""Cosines of title-and-abstract vectors (all-MiniLM-L6-v2) that settle what titles leave open. Of 500 pairs of other
papers of the same people 0.4 % reached the first (of 125 pairs with like abstracts 70 %); of these 125, with one
abstract left out, none fell below the second."""


def decide(a: Described, b: Described, *, cosine: float | None = None) -> Decision:
    """Whether two descriptions are of one paper; `cosine` is that of their title-and-abstract vectors, in [-1, 1]."""
    by_id = _ids(a.ids, b.ids)
    if by_id is not None and by_id.verdict is not Verdict.DIFFERENT:
        return by_id
    key, other_key = title_key(a.title), title_key(b.title)
    if by_id is not None and key != other_key:
        return by_id
    who = overlap(a.authors, b.authors)
    if key == other_key:
        decision = _equal_titles(key, who, a, b)
        if by_id is not None and decision.verdict is Verdict.SAME:
            return Decision(Verdict.UNSURE, f"{decision.reason}, but {by_id.reason}")
        return by_id or _with_doubt(decision, key, other_key, a, b)
    if says_nothing(key) or says_nothing(other_key):
        return Decision(Verdict.DIFFERENT, "other titles, one of which many papers have")
    decision = _with_cosine(_other_titles(who, a, b), cosine, settles=_standing(a, b) == ENOUGH_PREPRINT_AND_PUBLISHED)
    return _with_doubt(decision, key, other_key, a, b)


_SERIES = re.compile(
    r"(?:an?|the)?(?:(?:report|notes)on|(?:overview|findings|results|summary|report)(?:of|on|from))"
    r".*(?:challenge|sharedtask|workshop|competition|track(?!ing)|campaign|contest|symposium|conference|bakeoff)"
    r"|(?:the)?proceedingsof"
)
"""Title keys of what appears every year: "Overview of the ... Shared Task", "Proceedings of ..."."""


def _with_doubt(decision: Decision, key: str, other_key: str, a: Described, b: Described) -> Decision:
    """A decision that joins what may well be two of a kind, left to the user: reports that appear every year under one
    title, and data sets whose titles are made to one pattern."""
    if decision.verdict is not Verdict.SAME:
        return decision
    if _years_apart(a, b) and _SERIES.match(key) and _SERIES.match(other_key):
        return Decision(Verdict.UNSURE, f"{decision.reason}, but one appears every year")
    if key != other_key and names_of_two_resources(a.title[:LONGEST_TITLE], b.title[:LONGEST_TITLE]):
        alike = alike_abstracts(a.abstract, b.abstract)
        if alike is None or alike < ALIKE_ABSTRACTS:
            return Decision(Verdict.UNSURE, f"{decision.reason}, but two names")
    return decision


def _with_cosine(decision: Decision, cosine: float | None, *, settles: bool) -> Decision:
    """A decision on other titles in the light of the vectors: they may part what titles join, and join a preprint and a
    published paper; two papers of one kind with like texts stay for a person to judge."""
    if cosine is None or decision.verdict is Verdict.DIFFERENT:
        return decision
    reason = f"{decision.reason}, cosine {cosine:.2f}"
    if cosine < UNLIKE_COSINE:
        return Decision(Verdict.DIFFERENT, reason)
    if decision.verdict is Verdict.UNSURE and settles and cosine >= ALIKE_COSINE:
        return Decision(Verdict.SAME, reason)
    return decision


# --- ids --------------------------------------------------------------------------------------------------------------

_PREPRINT_DOI = re.compile(
    r"10\.(?:48550|1101|64898|21203|36227|20944|31234|31219|31223|31235|26434|5281|2139|13140|22541|33774|17605|32388)/"
)
"""Registrants of preprints and deposits (arXiv, bioRxiv, Research Square, TechRxiv, Preprints.org, OSF, ChemRxiv,
Zenodo, SSRN, ResearchGate, Authorea, ...): their DOI stands beside a publisher's without contradicting it."""


def _ids(a: Mapping[str, str], b: Mapping[str, str]) -> Decision | None:
    both = a.keys() & b.keys()
    for scheme in sorted(both):
        if a[scheme] != b[scheme] and not (scheme == "doi" and _one_is_preprint(a[scheme], b[scheme])):
            shared = any(a[s] == b[s] for s in both)
            verdict = Verdict.UNSURE if shared else Verdict.DIFFERENT
            return Decision(verdict, f"two {scheme} ids: {a[scheme]} and {b[scheme]}")
    for scheme in sorted(both):
        if a[scheme] == b[scheme]:
            return Decision(Verdict.SAME, f"the same {scheme} id")
    return None


def _one_is_preprint(a: str, b: str) -> bool:
    return bool(_PREPRINT_DOI.match(a)) != bool(_PREPRINT_DOI.match(b))


# --- equal titles -----------------------------------------------------------------------------------------------------

_NO_TITLE = re.compile(
    r"(?:guest|invited)?(?:editorial|preface|foreword|introduction|untitled|notitle|reply|response|rejoinder|comments?"
    r"|erratum|errata|corrigendum|correction|frontmatter|backmatter|tableofcontents|contents|index|authorindex|keynote"
    r"|keynotetalk|invitedtalk|panel|discussion|abstracts?|supplement(?:ary)?(?:materials?)?|append(?:ix|ices)|welcome"
    r"|committees?|sponsors|conclusions?|summary|overview|notes?|bookreview|inmemoriam|obituary|acknowledge?ments?"
    r"|titlepage|copyright|masthead|proceedings|proposal|thesis|dissertation|report|technicalreport|lecturenotes"
    r"|tutorial)(?:s|tothespecialissue.*)?"
)


def says_nothing(key: str) -> bool:
    """Whether a title key stands on many papers ("editorial", "reply") or on none ("")."""
    return not key or bool(_NO_TITLE.fullmatch(key))


def _equal_titles(key: str, who: Overlap, a: Described, b: Described) -> Decision:
    if says_nothing(key):
        return Decision(Verdict.DIFFERENT, "a title that many papers have")
    apart = _years_apart(a, b)
    if who.fewer == 0:
        worth_a_look = len(key) >= LONG_TITLE and apart <= MAX_YEARS_APART
        verdict = Verdict.UNSURE if worth_a_look else Verdict.DIFFERENT
        return Decision(verdict, "equal titles, but authors of one side are not known")
    enough = who.all_of_fewer if len(key) < SHORTEST_TITLE else who.shared >= max(1, who.fewer * MIN_SHARE_EQUAL_TITLES)
    if not who.shared and incomparable(a.authors, b.authors):
        return Decision(Verdict.UNSURE, "equal titles, but names in other scripts")
    if enough and _by_an_initial(key, who, a, b):
        alike = alike_abstracts(a.abstract, b.abstract)
        if alike is None or alike < ALIKE_ABSTRACTS:
            return Decision(Verdict.UNSURE, f"equal titles, but {_people(who)}, by initials")
    if not enough:
        alike = alike_abstracts(a.abstract, b.abstract)
        if who.shared and alike is not None and alike >= ALIKE_ABSTRACTS:
            return Decision(Verdict.SAME, f"equal titles and abstracts, {_people(who)}")
        return Decision(Verdict.UNSURE if who.shared else Verdict.DIFFERENT, f"equal titles, but {_people(who)}")
    if apart <= MAX_YEARS_APART or (apart <= MAX_YEARS_APART_ALL_AUTHORS and who.share == 1):
        return Decision(Verdict.SAME, f"equal titles, {_people(who)}")
    return Decision(Verdict.UNSURE, f"equal titles, {_people(who)}, but {apart} years apart")


def _by_an_initial(key: str, who: Overlap, a: Described, b: Described) -> bool:
    """Whether all that joins two papers besides a title is one name of which initials agree: too little unless the title
    is long, one is a preprint, and nobody of the shorter list is missing from the longer."""
    if who.shared > 1 or not who.by_initials:
        return False
    both_published = _is_preprint(a) is False and _is_preprint(b) is False
    return len(key) < LONG_TITLE or both_published or not who.all_of_fewer


def _people(who: Overlap) -> str:
    return f"{who.shared} of {who.more} authors"


def _years_apart(a: Described, b: Described) -> int:
    return abs(a.year - b.year) if a.year is not None and b.year is not None else 0


# --- other titles -----------------------------------------------------------------------------------------------------

_PREPRINT_VENUE = re.compile(
    r"\b(?:arxiv|corr|(?:bio|med|tech|psy|chem)r?xiv|preprints?|ssrn|research ?square|hal|zenodo|submitted|under review"
    r"|withdrawn|rejected)\b",
    re.I,
)
_PROCEEDINGS = frozenset({"cvf", "ecva", "neurips", "pmlr", "acl"})
_EXTENDED_ABSTRACT = re.compile(r"[\s:.(\[-]{1,4}extended abstract[)\].\s]{0,3}$", re.I)
_ABSTRACT_WORD = re.compile(r"[^\W\d_]{3,}")


def _other_titles(who: Overlap, a: Described, b: Described) -> Decision:
    apart = _years_apart(a, b)
    if not who.shared or not (who.share >= MOST_AUTHORS or who.all_of_fewer):
        return Decision(Verdict.DIFFERENT, f"other titles, {_people(who)}")
    if apart > MAX_YEARS_APART_ALL_AUTHORS:
        return Decision(Verdict.DIFFERENT, f"other titles, {apart} years apart")
    title_a, title_b = (_EXTENDED_ABSTRACT.sub("", one.title[:LONGEST_TITLE]) for one in (a, b))
    abridged = (title_a == a.title) != (title_b == b.title)
    wording = compare_titles(title_a, title_b)
    if wording.guard:
        return Decision(Verdict.DIFFERENT, wording.guard)
    text = f"titles agree by {wording.agreement:.2f}, {_people(who)}"
    if wording.agreement < LEAST_AGREEMENT:
        return Decision(Verdict.DIFFERENT, text)
    standing = _standing(a, b)
    alike = alike_abstracts(a.abstract, b.abstract)
    if alike is not None:
        text += f", abstracts by {alike:.2f}"
    need = _needed(standing, who, a, b, alike)
    if wording.agreement >= need:
        if abridged and standing == ENOUGH_BOTH_PUBLISHED:
            return Decision(Verdict.UNSURE, f"an extended abstract and a paper: {text}")
        return Decision(Verdict.SAME, text)
    short_of = need - wording.agreement
    if short_of <= WORTH_A_LOOK_BELOW and _worth_a_look(standing, who, apart, alike):
        return Decision(Verdict.UNSURE, text)
    if short_of <= ALIKE_GIVES and alike is not None and alike >= ALIKE_ABSTRACTS:
        return Decision(Verdict.UNSURE, text)
    return Decision(Verdict.DIFFERENT, text)


def _standing(a: Described, b: Described) -> float:
    """The agreement of titles that is needed for what the two are: preprints, published, or not known."""
    one, other = _is_preprint(a), _is_preprint(b)
    if one is None or other is None:
        return ENOUGH_VENUE_UNKNOWN
    if one != other:
        return ENOUGH_PREPRINT_AND_PUBLISHED
    return ENOUGH_BOTH_PREPRINTS if one else ENOUGH_BOTH_PUBLISHED


def _is_preprint(one: Described) -> bool | None:
    """Whether only a preprint is known, by the venue or else by the ids; None where these do not tell."""
    if one.venue:
        return bool(_PREPRINT_VENUE.search(one.venue))
    if not _PROCEEDINGS.isdisjoint(one.ids):
        return False
    return True if "arxiv" in one.ids else None


def _needed(need: float, who: Overlap, a: Described, b: Described, alike: float | None) -> float:
    """The agreement of titles from which the pair is one paper; `need` is what their standing asks for."""
    lenient = need in (ENOUGH_PREPRINT_AND_PUBLISHED, ENOUGH_VENUE_UNKNOWN)
    if who.share < ALL_AUTHORS:
        need += FEWER_AUTHORS_NEED
    if lenient and (_announces(a, b) or _announces(b, a)):
        need -= COMMENT_GIVES
    if alike is not None and alike >= ALIKE_ABSTRACTS:
        if lenient or _on_one_page(a, b):
            need -= ALIKE_GIVES
    elif alike is not None and alike < UNLIKE_ABSTRACTS:
        need = max(need, ENOUGH_BOTH_PUBLISHED)
    if lenient and not _in_order(a, b):
        need = max(need, ENOUGH_PREPRINT_LATER)
    if _years_apart(a, b) > MAX_YEARS_APART or who.share < MOST_AUTHORS:
        need = max(need, ENOUGH_BOTH_PUBLISHED)
    return need


def _in_order(a: Described, b: Described) -> bool:
    """Whether a preprint, if one of the two is one, came in the year of the paper or not long before."""
    preprint, published = (a, b) if _is_preprint(a) else (b, a)
    if preprint.year is None or published.year is None or not _is_preprint(preprint):
        return True
    return 0 <= published.year - preprint.year <= MAX_YEARS_APART


def _on_one_page(a: Described, b: Described) -> bool:
    """Whether both are published at one place in one year, where an abstract is printed once."""
    return _standing(a, b) == ENOUGH_BOTH_PUBLISHED and a.venue.casefold() == b.venue.casefold() and a.year == b.year


def _announces(preprint: Described, published: Described) -> bool:
    """Whether the comment of one names the venue of the other ("Accepted at ICML 2018")."""
    venue = published.venue
    return len(venue) > 2 and bool(re.search(rf"\b{re.escape(venue)}\b", preprint.comment, re.I))


def _worth_a_look(standing: float, who: Overlap, apart: int, alike: float | None) -> bool:
    """Whether a person could want to see a pair that missed: the list must stay short."""
    if alike is not None:
        return alike >= (UNLIKE_ABSTRACTS if standing == ENOUGH_PREPRINT_AND_PUBLISHED else ALIKE_ABSTRACTS)
    return who.share == 1 and (apart == 0 or standing == ENOUGH_PREPRINT_AND_PUBLISHED)


def alike_abstracts(a: str, b: str) -> float | None:
    """The share of the shorter abstract's words that the other has, in [0, 1]; None where one says too little."""
    if not a or not b:
        return None
    one, two = ({*_ABSTRACT_WORD.findall(text.lower())} for text in (a, b))
    fewer = min(len(one), len(two))
    return len(one & two) / fewer if fewer >= SHORTEST_ABSTRACT else None


# --- the candidate index ----------------------------------------------------------------------------------------------

_STOP_WORDS = FUNCTION_WORDS | COMMON_WORDS
_REMEMBERED = 20_000  # first authors
STEM = 4
"""Letters of a word that count for the index, so that inflections and most typos meet."""


def match_keys(title: str, authors: Sequence[str]) -> tuple[int, ...]:
    """At most three signed 64-bit keys under which records of one paper meet though their titles differ a little.

    Each is made of the first author's family name and initial, and of two words of the title: the first two, the last
    two, the longest two. Empty when there are no two words or no author. Equal titles meet by their `title_key`.
    """
    name = _named(authors[0]) if authors else ""
    if not name:
        return ()
    head, tail = parts = title_parts(title)
    words = tail if is_named(parts) else [*head, *tail]
    content = [w[:STEM] for w in words if w not in _STOP_WORDS]
    if len(content) < 2:
        content = [w[:STEM] for w in words if w not in FUNCTION_WORDS]
    if len(content) < 2:
        return ()
    longest = sorted(words, key=lambda w: (-len(w), w))[:2]
    texts = {
        f"{name} {content[0]} {content[1]}",
        f"{name} {content[-2]} {content[-1]}",
        f"{name} {longest[0][:STEM]} {longest[1][:STEM]}",
    }
    return tuple(sorted([_hash(text) for text in texts]))


@lru_cache(maxsize=_REMEMBERED)
def _named(author: str) -> str:
    """Family name and initial of the first person of an author entry; empty when it names nobody."""
    who = people(unmarked([author]))[0]
    if not who:
        return ""
    return f"{who[0].family} {who[0].given[0][0]}" if who[0].given else who[0].family


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
