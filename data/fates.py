"""Where a paper appears, by its authors' words: an arXiv comment ("Accepted at ICCV 2025 (oral)") or journal reference.

Only what is accepted or published counts. What is submitted, under review, rejected or withdrawn does not, nor the
venue of another paper, which an extension, a supplement or an entry to a challenge names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Literal

from data.venues import VenueMention, venue_mentions

MAX_LENGTH = 2000  # characters that are read of a comment or reference; arXiv's own limit for comments is far lower
MAX_EVIDENCE = 200
MAX_MENTIONS = 40  # venues that are looked at in one text


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What an author's comment or a journal reference claims about where a paper appears.

    `venue` is the short name that sources use; of a journal that is not in `data.venues`, its name as written. `year` is
    that of the edition, None where none is stated. `status` reads as the sources' does ("Oral", "workshop",
    "workshop: Oral", "Findings of ACL 2022", "Industry Track"). `evidence` are the words that were read.
    """

    venue: str
    year: int | None
    status: str = ""
    track: str = "main"
    award: str = ""
    evidence: str = ""


State = Literal["bare", "yes", "strong", "no", "version", "part", "other"]

_YEAR = r"(?:19[89]\d|20[0-3]\d)"
_LEVELS = ("oral", "spotlight", "highlight", "poster")  # highest first
_ACL = frozenset(("ACL", "EMNLP", "NAACL", "EACL", "AACL", "IJCNLP", "IJCNLP-AACL"))  # their Findings are one venue
_PRINTED_IN = frozenset(("TOG", "TVCG", "CGF", "PACMHCI", "IMWUT"))  # journals that print a conference's papers
_LABELS = {
    "datasets and benchmarks": "Datasets and Benchmarks Track",
    "position": "Position Paper Track",
    "industry": "Industry Track",
    "demo": "Demo",
    "student abstract": "Student Abstract",
    "doctoral consortium": "Doctoral Consortium",
    "applied data science": "Applied Data Science Track",
    "social impact": "AI for Social Impact Track",
    "alignment": "AI Alignment Track",
    "journal": "Journal Track",
    "late-breaking": "Late-Breaking Work",
    "blog posts": "Blog Post Track",
    "tiny papers": "Tiny Papers",
    "resource": "Resource Track",
    "findings": "Findings",
    "competition": "Competition Track",
    "companion": "Companion",
    "reproducibility": "Reproducibility Track",
    "tutorial": "Tutorial",
    "creative ai": "Creative AI Track",
    "symposium": "Symposium",
    "challenge": "Challenge",
    "blue sky": "Blue Sky Track",
    "survey": "Survey Track",
    "technical communications": "Technical Communications",
    "extended abstract": "Extended Abstract",
}

# ---- the text ---------------------------------------------------------------------------------------------------------

_NOTE = re.compile(r"arXiv admin note.*", re.I | re.S)
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s}]*[^\s}.,;)]|\b[\w-]{1,60}\.(?:github\.io|github\.com|com/|org/)[^\s,;]*", re.I
)
_HREF = re.compile(r"\\(?:href|url)\s?\{[^{}]*\}")
_COMMAND = re.compile(r"\\[a-zA-Z]+\s?|[{}$~]")
_QUOTES = str.maketrans("’‘`´′‐‑‒–—−\u00a0：，（）", "'''''------ :,()")
_IF = re.compile(
    r"\b(?:if|once|upon|until|when|after|pending|unless|before|subject to)\s+(?:\w+\s+){0,5}?(?:accept\w*|publi\w*|decision|presentation)\b",
    re.I,
)
_END = re.compile(r"[.!?;|•](?=\s|$)|\n")
_SHORTENED = re.compile(
    r"(?:\b(?:proc|int|intl|conf|trans|vol|no|pp|fig|figs|dr|prof|al|lett|symp|univ|sci|comput|mach|intell|anal|suppl|j|ed|eds"
    r"|med|imag|imaging|process|phys|rev|graph|robot|autom|dept|vs|acad|adv|engineering|appl|sec)|\b[A-Za-z]|\d(?:st|nd|rd|th))$",
    re.I,
)


def _plain(text: str) -> str:
    """The beginning of a text on one line, without markup and addresses. What is not there is not searched for."""
    text = text[:MAX_LENGTH]
    low = text.lower()
    if "admin note" in low:
        text = _NOTE.sub("", text)
    if "\\" in text:
        text = _HREF.sub(" ", text).replace("\\&", "&")
    text = text.replace("&amp;", "&").translate(_QUOTES)
    if any(map(low.__contains__, _LINKS)):
        text = _LINK.sub(" ", text)
    if any(map(text.__contains__, "\\{}$~")):
        text = _COMMAND.sub(" ", text)
    text = " ".join(text.split())
    if any(map(low.__contains__, _CONDITIONS)):
        text = _IF.sub(lambda m: " " * len(m[0]), text)
    return text


_LINKS = ("http", "www", "github", "com/", "org/")
_CONDITIONS = ("accept", "publi", "decision", "presentation")


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for mark in _END.finditer(text):
        if mark[0] == "." and _SHORTENED.search(text, max(start, mark.start() - 14), mark.start()):
            continue
        yield start, mark.start()
        start = mark.end()
    if start < len(text):
        yield start, len(text)


# ---- what the words say about a venue ---------------------------------------------------------------------------------

_CUE = re.compile(
    r"\b(?:"
    r"(?P<strong>(?:provisional(?:ly)?|conditional(?:ly)?|early)[ -]accept\w*|(?:accept(?:ed|ance|s)?|ac[cept]{3,7}ed)"
    r"(?: (?:with|after|subject to|pending) (?:minor |major )?revisions?| (?:\w+ ){0,2}submission(?= (?:to|in|at|for)\b))?"
    r"|publish(?:ed|es|ing)|camera[- ]?ready(?: submission)?|in press|forthcoming|to appear|appear(?:s|ed|ing)?"
    r"|(?:best|outstanding|distinguished)(?: [\w-]+){0,2} (?:paper|award))"
    r"|(?P<no>(?:not|never|isn't|wasn't) (?:\w+ ){0,2}?accepted|(?:re-?)?(?:sub+m+i+(?:t|ts|t+ed|t+ing|ssions?)|sumbit\w*)"
    r"|under[- ](?:[\w-]+ ){0,3}?(?:review|reviewing|consideration|revision|evaluation|submission|rebuttal)"
    r"|in (?:review|submission|preparation|revision)|(?:being |to be |is )reviewed|reviewing"
    r"|peer[- ]?review (?:at|by|for|in)|review (?:at|by|for|in)|reject(?:ed|ion|s)?|withdr[ae]w\w*"
    r"|(?:planned|intended|target(?:ed|ing)|prepar(?:ed|ing|ation)|written) (?:to|for|at)|written (?:as|per|in)|requirements? (?:of|for)|plan(?:s|ning)? to submit"
    r"|(?:major|minor) revisions?|awaiting|candidate for)"
    r"|(?P<version>(?:exten(?:ded|ds|d|sions?|ding)|expand(?:ed|s|ing)|enhanced)\b(?! abstract)(?: [\w'-]+){0,4}? (?:of|from|to|on)"
    r"|journal (?:version|extension)(?: (?:of|to))"
    r"|(?:supplement(?:ary|al|s)?|appendi(?:x|ces)|companion|errat(?:um|a)|addendum|rebuttal|reply|comments?)"
    r"(?: (?:materials?|paper|document|information|notes?|report))? (?:to|for|of|on)"
    r"|(?:build(?:s|ing)?|built|(?:is|are|was|were|work) based) (?:up)?on|follow[- ]?up|successor|generali[sz]es"
    r"|(?:code|datasets?|slides|baselines?|proposal|video) (?:for|of|from))"
    r"|(?P<part>(?:conference|short(?:er|ened)?|workshop|abridged|condensed|abbreviated|partial|different|non-archival"
    r"|4-page|two-page|extended abstract) (?:\w+ )?versions?"
    r"|(?:preliminary|earlier|previous|prior|initial|early|former) (?:\w+ ){0,2}?(?:versions?|results|drafts?|works?|papers?|abstracts?|iterations?)"
    r"(?! of (?:our|the|this|a|an) (?:\w+ )?(?:paper|work|article|manuscript)s?\b)"
    r"|(?<!as )(?:parts?|portions?|some|elements|subset|excerpts?) of (?:this|our|these|the (?:results?|works?|papers?|contents?|material))"
    r"|in part (?:at|in|by))"
    r"|(?P<other>challenges?|competitions?|shared tasks?|winners?|winning|won|(?:first|second|third|1st|2nd|3rd|\dth)[ -]+(?:place|rank)"
    r"|solutions?|tech(?:nical)? report|leaderboard|teams?|tutorials?|keynote|invited talk|templates?|formats?|style|(?:SP|signal processing|VIP|data) cup|tasks? [\dA-Z]"
    r"|thesis|dissertation|ranked|evaluated on|used in|report of|overview of|course|hosted|organi[sz]ed|deadline|reproduc(?:ing|tion of)|(?:reproducibility|replication) (?:study|of))"
    r"|(?P<yes>present(?:ed|ation|ations|ing)?|publication|proceedings?|proc|oral|poster|spotlight|highlight|certification)"
    r")\b",
    re.I,
)
_ON = re.compile(r"[,;)]|\b(?:and|is|was|has|been|now|which)\b", re.I)
_APART = re.compile(r"[,;)]|\b(?:and|now)\b", re.I)
_SAME = re.compile(r"\b(?:which|that)\b|\b(?:paper|work|article|manuscript)s?,? (?:was|is|has|had)\b", re.I)
_MATERIAL = re.compile(r"\b(?:appendi(?:x|ces)|supplement\w*|proofs?)\b", re.I)


@dataclass(frozen=True, slots=True)
class _Cue:
    kind: State
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """One venue in one sentence: what is said of it, and between which characters its own words are."""

    mention: VenueMention
    year: int | None
    state: State
    left: int
    right: int
    sentence: tuple[int, int]
    hosting: bool = False  # a workshop's own name stands beside it


def _cues(text: str, start: int, end: int, mentions: Sequence[VenueMention]) -> list[_Cue]:
    """Cue words outside the venues' names."""
    found = []
    for match in _CUE.finditer(text, start, end):
        if any(m.start < match.end() and match.start() < m.end for m in mentions):
            continue
        kind: State = match.lastgroup  # type: ignore[assignment]
        found.append(_Cue(kind, match.start(), match.end()))
    return found


def _next_state(text: str, state: State, since: int, cue: _Cue) -> State:
    """What a cue makes of the words before it, which ended at `since`."""
    between = text[since : cue.start]
    match cue.kind:
        case "strong" if state == "version":
            carried = not _ON.search(between) or _SAME.search(text[max(0, since - 40) : cue.start])
            return "version" if carried else "strong"
        case "strong" if state == "part":
            return "strong" if _APART.search(between) else "part"
        case "part" if state == "version":
            return "version"
        case "yes":
            return "yes" if state in ("bare", "other") else state
        case "other":
            return "other" if state == "bare" else state
        case kind:
            return kind


def _read_sentence(text: str, start: int, end: int, mentions: Sequence[VenueMention]) -> Iterator[_Claim]:
    cues = _cues(text, start, end, mentions)
    state: State = "bare"
    since = edge = start
    at = 0
    for n, mention in enumerate(mentions):
        while at < len(cues) and cues[at].start < mention.start:
            new = _next_state(text, state, since, cues[at])
            if new != state or cues[at].kind in ("strong", "no"):
                since = cues[at].end
                edge = since if new != "yes" else edge
            state = new
            at += 1
        after = mentions[n + 1].start if n + 1 < len(mentions) else end
        own = _own_state(text, state, mention, [c for c in cues[at : at + 4] if c.start < after], after < end, after)
        left = max(edge, mentions[n - 1].end if n else start)
        if n:
            left = max(left, _shared(text, mentions[n - 1].end, mention.start))
        right = _shared(text, mention.end, after) if after < end else end
        stop = next(
            (c.start for c in cues[at:] if c.kind in ("no", "version", "part") and mention.end <= c.start < right),
            right,
        )
        yield _Claim(
            mention=mention,
            year=_year(text, mention, start, stop),
            state=own,
            left=left,
            right=stop,
            sentence=(start, end),
            hosting=any(m.suffix == "own" for m in (*mentions[:n], *mentions[n + 1 : n + 2])),
        )


_SPLIT = re.compile(r"[,;]|\band\b|&|\balso\b")


def _shared(text: str, start: int, end: int) -> int:
    """Where the words between two venues stop to be the first one's."""
    match = _SPLIT.search(text, start, end)
    return match.start() if match else end


def _own_state(text: str, state: State, mention: VenueMention, after: Sequence[_Cue], more: bool, end: int) -> State:
    """The state of a venue, which words after it may change."""
    if (
        state == "version"
        and _MATERIAL.search(text, mention.end, end)
        and re.search(r"accept", text[: mention.start], re.I)
    ):
        return "strong"  # the paper itself, with an appendix that the proceedings have no room for
    if not after:
        return state
    cue = after[0]
    part = not re.search(r"[,;]", text[mention.end : cue.start])
    if state == "bare":
        if cue.kind == "no" and more and re.match(r"\s*(?:at|to|by|for|in|with)\b", text[cue.end : end]):
            return state  # that belongs to the next venue
        if cue.kind in ("other", "version", "part"):
            return cue.kind if part else state
        return cue.kind
    if state == "no":
        strong = next((c for c in after if c.kind == "strong"), None)
        if strong and more and re.match(r"\s*(?:at|to|by|for|in|as)\b", text[strong.end : end]):
            return state
        return "strong" if strong and re.search(r"[,(]|\band\b|->", text[mention.end : strong.start]) else state
    return state


# ---- the year ---------------------------------------------------------------------------------------------------------

_AFTER = re.compile(
    r"[\s,:;()\[\]/@'-]*(?:(?:Main|Conference|Conf|Workshops?|Findings|Oral|Spotlight|Highlight|Poster|Proceedings|Track|Industry"
    r"|System|Demonstrations?|Demo|Long|Short|Full|Paper|Papers|Student|Research|SRW|Technical|Symposium|Session|in|the|of|Annual"
    r"|Meeting|Companion|Journal|ADS|D&B|Systems|Research|EA|LBW|TS)\b\.?[\s,:;()\[\]/@'-]*){0,5}"
    rf"({_YEAR})(?!\d|-\d\d-|\.\d{{4,}})",
    re.I,
)
_SHORT_AFTER = re.compile(
    r"(?:\s(?:EA|Workshops?|Findings|Main|Companion|LBW))?(?:'|\s?['(@-]\s?'?|\s)?(?P<yy>[0-3]\d)(?![\d%]|\s*[-/]\s*\d|\s?(?:pages?|pp|figs?|figures?|tables?|tasks?|papers?|th\b|st\b|nd\b|rd\b)|[.:]\d)",
    re.I,
)
_BEFORE = re.compile(rf"({_YEAR})(?:\s+|\s*/\s*)(?:[A-Za-z][\w/&-]*\s+|\d+(?:st|nd|rd|th)\s+|\(?){{0,6}}\(?$")
_INNER = re.compile(rf"(?P<year>{_YEAR})|(?<=[A-Z])[ -]?'(?P<yy>[0-3]\d)\b")
_ANY_YEAR = re.compile(rf"(?<![\d.:-])(?<!\d/\d\d/)({_YEAR})(?![\d:])")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DECIDED = re.compile(
    rf"(?:\b(?:in|on|since|accepted|dated?)\s+(?:\d\d?\s*)?(?:{_MONTHS})[a-z]*\.?\s*(?:\d\d?)?\s*,?\s*)$", re.I
)


def _year(text: str, mention: VenueMention, start: int, right: int) -> int | None:
    """The edition's year: beside the name, else the one year among the words about it that is no day of decision."""
    after, before = text[mention.end : right][:140], text[max(start, mention.start - 120) : mention.start]
    if inner := _INNER.search(text, mention.start, mention.end):
        return int(inner["year"] or 2000 + int(inner["yy"]))
    if match := _AFTER.match(after):
        return int(match[1])
    if mention.acronym and (match := _SHORT_AFTER.match(after)):
        return 2000 + int(match["yy"])
    if match := _BEFORE.search(before):
        return int(match[1])
    for match in _ANY_YEAR.finditer(text, mention.end, right):
        if not _DECIDED.search(text, max(mention.end, match.start() - 30), match.start()):
            return int(match[1])
    return None


# ---- which mentions count ---------------------------------------------------------------------------------------------

_FAMILY = re.compile(r"[\s:,;()\[\]/.-]*(?:(?:the|in|at|annual|meeting|of)\b[\s:,;()\[\]/.-]*){0,4}", re.I)
_SAME_NAME = re.compile(
    r"[\s\d,:'()\[\]/\"-]*(?:(?:the|in|of|on|and|annual|conference|meeting|international|joint|ieee|acm|cvf|asia|pacific|chapter"
    r"|association|for|computational|linguistics|th|st|nd|rd|proceedings|or|a|k|asian|symposium|summit|society)\b[\s\d,:'()\[\]/\"-]*)*",
    re.I,
)
_PARENTHESIS = re.compile(r"\s*[(\[]\s*(?:the )?([A-Z][\w&/*-]*)")
_CONTINUED = re.compile(r"\s+(?:(?:and|&|for|with|of|on)\s+(?:the\s+)?)?([A-Z][a-z]+)\b")
_IN_FIELD = re.compile(r"\s+in\s+[A-Z]")
_LISTED = re.compile(r",(?:\s[A-Z][a-z]+){1,3},?\s(?:and|&)\s[A-Z]")  # Computer Vision, Image and Deep Learning
_GOING_ON = (
    "Workshop Workshops Conference Findings Main Oral Spotlight Highlight Poster Track Industry Journal Proceedings Project"
    " System Demo Demonstration Demonstrations Symposium Research Technical Accepted Code Student Special Paper Papers Long"
    " Short Full Vol Volume Issue Datasets Dataset Page Website Early Camera Doctoral Round Position Late Best Society Posters"
    " Hawaii Honolulu Singapore Vienna Rio Seoul Nashville Denver San Montreal Vancouver Companion Section Regular Application"
    " Letters Magazine Creative Blog Tiny Applied Resource Survey Featured Meeting Association Chapter With Published Number"
    " January February March April May June July August September October November December The This Presentation International"
)
_GOES_ON = frozenset(_GOING_ON.split())


def _merged(text: str, mentions: list[VenueMention]) -> list[VenueMention]:
    """One mention for a name with its acronym, and for "Findings of the Association ...: EMNLP" EMNLP alone."""
    kept: list[VenueMention] = []
    for mention in mentions:
        last = kept[-1] if kept else None
        if last is not None and last.end <= mention.start and mention.start - last.end < 60:
            gap = text[last.end : mention.start]
            same = last.venue == mention.venue or {last.venue, mention.venue} <= {"IJCNLP", "AACL", "IJCNLP-AACL"}
            if same and _SAME_NAME.fullmatch(gap) and not last.suffix and not mention.suffix:
                venue = mention.venue if same and last.venue == mention.venue else "IJCNLP-AACL"
                kept[-1] = replace(
                    mention,
                    venue=venue,
                    start=last.start,
                    weak=last.weak and mention.weak and not gap.strip().startswith("("),
                )
                continue
            if last.venue == "ACL" and mention.venue in _ACL and not last.acronym and _FAMILY.fullmatch(gap):
                kept[-1] = replace(mention, start=mention.start)
                continue
        kept.append(mention)
    return kept


def _named(text: str, mention: VenueMention) -> bool:
    """False for the beginning of a longer name, or one that a bracket after it gives another short name."""
    after = text[mention.end : mention.end + 60]
    if mention.venue == "Proceedings of the IEEE" and re.match(r"[/\s]*[A-Z]", after):
        return False
    if mention.acronym:
        return not re.match(
            r"-(?!\d|W\b|main|oral|find|work|long|short|poster|demo|ind|spot|high)[A-Za-z]{3}", after, re.I
        )
    if (match := _PARENTHESIS.match(after)) and not mention.journal:
        short = re.sub(r"[\d'-]+$", "", match[1])
        own = any(m.venue == mention.venue for m in venue_mentions(match[1])) or match[1] in mention.venue
        generic = short.capitalize() in _GOES_ON or len(short) < 2 or not short.isupper()
        if not own and not generic:
            return False
    if (not mention.journal and _LISTED.match(after)) or (mention.weak and _IN_FIELD.match(after)):
        return False
    match = _CONTINUED.match(after)
    return not (match and match[1] not in _GOES_ON)


_BESIDE = re.compile(
    r"(?:\b(?:by|at|to|in|for|the|journal|magazine|proceedings of|of|on|with|conference|transactions|as an?)"
    r"|\b(?:IEEE|ACM|Elsevier|Springer|MDPI|Elsevier's|SIGGRAPH|IEEE/ACM|USENIX|ISCA)(?:'s)?|:)\s*['\"]?(?:the )?$",
    re.I,
)
_BESIDE_JOURNAL = re.compile(
    r"(?:\b(?:accepted|accept|published|publish|publication|press|appear|appears|printed|forthcoming|version|article|paper)"
    r"(?: [\w-]+){0,4}? (?:by|in|to|at|for)|\bjournal(?: of)?:?|\b(?:Elsevier|MDPI|Springer)(?:'s)?)"
    r"\s*(?:(?:the|journal|Elsevier|Springer|MDPI|IEEE)\s+){0,3}['\"(]*$",
    re.I,
)
_NAMED_BEFORE = re.compile(r"\b(?:conference|symposium|congress|meeting)\b[^()]*\($", re.I)
_STARTING = re.compile(r"(?:^|[,.;])\s*$")
_MEETING = re.compile(r"\b(?:conference|symposium|congress|workshop|meeting) (?:on|of|for|in)? ?(?:the )?$", re.I)


def _believed(text: str, claim: _Claim) -> bool:
    """Whether a weak name is one here: beside a year, a society or words of acceptance."""
    mention = claim.mention
    if not mention.weak:
        return True
    before = text[max(claim.sentence[0], mention.start - 70) : mention.start]
    if not mention.acronym and _MEETING.search(before):
        return True
    after = text[mention.end : mention.end + 12]
    if not mention.acronym or mention.journal:
        if re.search(r"\b(?:IEEE|ACM)(?: |/ACM )(?:J-)?$", before) or (mention.acronym and after[:1] == ")"):
            return claim.state in ("strong", "yes") or claim.year is not None
        if mention.acronym and len(text[mention.start : mention.end]) <= 6:
            near = _AFTER.match(after) or _SHORT_AFTER.match(after)
            return bool(near or (claim.state in ("strong", "yes") and _BESIDE.search(before)))
        if _AFTER.match(after) and (not mention.journal or _STARTING.search(before)):
            return True
        return claim.state in ("strong", "yes") and bool(_BESIDE_JOURNAL.search(before))
    if _AFTER.match(after) or _SHORT_AFTER.match(after) or _BEFORE.search(before):
        return True
    beside = _BESIDE.search(before) or _NAMED_BEFORE.search(before)
    return claim.state in ("strong", "yes") and beside is not None


_BESIDE_WORDS = (
    "main conference conferences track paper papers long short full regular oral spotlight highlight highlighted poster"
    " posters ieee acm cvf rsj the at in to by for of on as a an proceedings proc round project page pages figure figures"
    " table tables code website web site workshop workshops findings industry demo demos system demonstration demonstrations"
    " with and technical research st nd rd th annual international preprint version arxiv final camera ready cameraready"
    " submission appendix supplementary material materials symposium presentation presented accepted accept presenting talk"
    " this work is our published publication appear appears be will has been was paper's selected featured including include"
    " best award finalist candidate student abstract doctoral consortium datasets benchmarks d b position journal special"
    " session top score scores full-length archival non non-archival extended early application applications algorithms"
    " algorithm volume preliminary usenix aaai acl springer lncs european asian dataset benchmark homepage github link"
    " keywords key words conf extension appendices pp total references content contents abridged also authors author's"
    " us copy manuscript article first second third ninth forty fourth fifth sixth seventh eighth tenth"
)
_ALLOWED = frozenset(_BESIDE_WORDS.split())
_TOKEN = re.compile(r"[A-Za-z][\w'-]*")
_PART_START = re.compile(r",|:\s")
_PART_END = re.compile(r"[,(]|:\s")
_BRACKETED_NAME = re.compile(r"\b(?:conference|symposium|congress|meeting|workshop|forum)\b[^()]*\(\W*$", re.I)


def _said_plainly(text: str, claim: _Claim, workshop: bool) -> bool:
    """Whether a venue that no word of acceptance goes with stands alone enough to be where the paper is."""
    start, end = claim.sentence
    head = [m.end() for m in _PART_START.finditer(text, start, claim.mention.start)]
    tail = _PART_END.search(text, claim.mention.end, end)
    words = text[head[-1] if head else start : claim.mention.start]
    before = 0 if _BRACKETED_NAME.search(text, start, claim.mention.start) else _strange(words)
    after = _strange(text[claim.mention.end : tail.start() if tail else end])
    if claim.year is None:
        return (not before and not after and not claim.mention.weak) or (workshop and before < 3)
    return workshop or before <= 1 or (before <= 2 and not after)


def _strange(text: str) -> int:
    return sum(token.casefold() not in _ALLOWED for token in _TOKEN.findall(text))


# ---- track, presentation, award ---------------------------------------------------------------------------------------

_WORKSHOP = re.compile(
    r"\bworkshops?\b|\bbridge (?:program|session)|\bwkshps?\b|\bwksp\b|\bSRW\b|(?<!CEUR)(?<!CEUR-)\bws\b", re.I
)
_AT = re.compile(
    r"([^,;]{2,80}?)\s*(?:@|\bat\b|\bco-?located (?:with|at)\b|\bin conjunction with\b|\bheld (?:at|with|in)\b|\bwith\b)\s*(?:the\s+)?(?:\d{4}\s+)?(?:(?:IEEE|ACM|CVF)[/\s]*)*$",
    re.I,
)
_ACRONYM = re.compile(r"\b[A-Z][\w-]*[A-Z\d][\w-]*")
_EVENT_AT = re.compile(r"[A-Z][\w-]*(?:\s+[\w&-]+){0,8}\s*@\s*(?:the\s+)?$")
_BEFORE_HOST = re.compile(r"(?:\b(?:at|to|in|by)\s+(?:the\s+)?)([A-Z][\w-]*[A-Z\d][\w-]*)\s+$")
_WITHIN_HOST = re.compile(r"^\s+([A-Z]{3,}\w*)\s+\d{4}\b")
_IN_BRACKETS = re.compile(r"^\s?[-']?\d{0,4}\s?\(([A-Z][\w-]*[a-z][\w-]*[A-Z][\w-]*)\)")
_AFTER_HOST = re.compile(r"^\s?[-']?\d{2,4}\s+(?:the\s+)?([A-Z][A-Z\d][\w-]*[A-Z\d]|[A-Z][a-z]+[A-Z]\w+)\b(?!:)")
_ORDINAL = re.compile(r"[\d-]+(?:st|nd|rd|th)", re.I)
_FOR = re.compile(r"\b[A-Z]\w*4[A-Z]\w*|\b[A-Z][a-z]\w*NLP\b")  # CV4DC, CL4Health: workshops are called that
_BRACKETED = re.compile(r"\(([A-Z][\w&+-]*)(?:\s?'?\d\d(?:\d\d)?)?\)\s*,?\s*(?:at|@|in|of|-)?\s*$")
_NOT_EVENTS = (
    "IEEE ACM CVF ORAL SPOTLIGHT HIGHLIGHT POSTER LNCS PDF RSJ USENIX SIG ARR AI AAAI ACL ISCA IEEE-RAS MAIN RAS SIGKDD SIGCHI"
    " SIGIR SPS CORE CCF CCF-A CCF-B DOI LATEX SIGGRAPH AISI AIA TOG TVCG EURASIP LBW ADS DEMO ISBN ISSN NIER CEUR-WS"
    " MAINCONFERENCE MAINS GITHUB VAST YOUTUBE OPENREVIEW HUGGINGFACE SRW EA TS PMLR CEUR CHECKTHAT IEEE-CVF RA-L ADS-TRACK LNAI CCIS"
)
_NO_EVENTS = frozenset(_NOT_EVENTS.split())
_TRACKS = tuple(
    (re.compile(pattern, re.I), track)
    for pattern, track in (
        (r"\b(?:datasets?|D) ?(?:and|&|\+|,) ?(?:benchmark(?:s|ing)?|B)\b|\bDB track\b|\bD&B\b|\bbenchmarks? track\b|\bdatasets? track\b|\bevaluations? and datasets?\b", "datasets and benchmarks"),
        (r"\bposition papers? track\b|\bposition track\b|\(position(?: paper)?\)|\bposition papers?$", "position"),
        (r"\bstudent abstracts?\b|\bstudent poster\b", "student abstract"),
        (r"\bdoctoral (?:consortium|symposium|track)\b|\bphd symposium\b", "doctoral consortium"),
        (r"\bapplied data science\b|\bADS(?: track|\b\))|\(ADS\)", "applied data science"),
        (r"\b(?:AISI|AI for social impact|social impact|AI for social good|AI and social good)\b", "social impact"),
        (r"\b(?:AI )?alignment track\b|\bAIA track\b|\btrack on AI alignment\b", "alignment"),
        (r"\bindustr(?:y|ial)\b(?: & | and )?(?=.{0,24}\btracks?\b|\s*[),.;]|\s*$|\s+(?:papers?|oral|poster|talk|session))|\bindustry\b", "industry"),
        (r"\b(?:system |software |tool |live )?demo(?:nstration)?s?\b(?! ?(?:pages?|videos?|websites?|sites?|at|is|are|available|:|code|links?|and code|webpage|samples?))", "demo"),
        (r"\blate[- ]breaking\b|\bLBW\b|\bLBR\b", "late-breaking"),
        (r"\bblog ?posts?\b", "blog posts"),
        (r"\btiny papers?\b", "tiny papers"),
        (r"\bresources?(?: paper)?s? track\b|\bresource papers?\b|\(resource\)", "resource"),
        (r"\bcreative AI\b", "creative ai"),
        (r"\breproducibility (?:paper )?track\b", "reproducibility"),
        (r"\bcompetition track\b", "competition"),
        (r"\bjournal[- ]track\b|\bjournal[- ](?:first|to[- ]conference)\b|\bTOG track\b", "journal"),
        (r"\bcompanion\b", "companion"),
        (r"\bblue sky\b", "blue sky"),
        (r"\bsurvey track\b", "survey"),
        (r"\btechnical communications?\b", "technical communications"),
        (r"\bchallenges? (?:program|track|papers?|sessions?)\b|\bgrand challenges?\b|\bchallenge\b\s*[),.]?\s*$", "challenge"),
        (r"\b(?:spring|summer|fall) symposi(?:um|a)\b", "symposium"),
        (r"\bEA\b|\bextended abstracts? (?:of|track)\b", "extended abstract"),
    )
)  # fmt: skip
_FINDINGS = re.compile(r"\bfindings?\b", re.I)
_FINDINGS_NEAR = re.compile(
    rf"(?:\bfindings(?: track)?(?:,? (?:of|at|in|to|for|track|the|\())*\W*$)|^[\s(:,'-]*(?:{_YEAR}|'?\d\d)?[\s(:,'-]*(?:main )?(?:conference |workshops? |and )?findings\b",
    re.I,
)
_LEVEL = re.compile(
    r"\b(oral|spotlight|highlight|poster)(?:s|ed)?\b(?!-|:\s*(?:$|[a-z])|\s+(?:cancer|health|histor|squamous|disease|lesion|exam|cavity|language|tradition|generation|design|detection|"
    r"session chair|implant|radio|surgery|medicine|care|communication skills))",
    re.I,
)
_AWARD = re.compile(
    r"\b(?:(?P<best>best|outstanding|distinguished|exceptional)\s+(?P<kind>(?:[\w-]+\s+){0,2}?)(?P<noun>papers?|poster|demo|thesis|presentation)\b(?:\s+award)?s?"
    r"(?P<rest>(?:[\s(,:-]*(?:honou?rable mention|finalists?|nominee|nominations?|nominated|runner[- ]?up|candidates?|shortlist(?:ed)?|award))*)"
    r"|(?P<mention>honou?rable mention)|(?P<candidate>award candidate|paper award (?:finalist|candidate|nominee)))",
    re.I,
)
_MINOR_AWARDS = (
    (re.compile(r"hono", re.I), "Honorable Mention"),
    (re.compile(r"finalist|shortlist", re.I), "Finalist"),
    (re.compile(r"nomin", re.I), "Nominee"),
    (re.compile(r"runner", re.I), "Runner-up"),
    (re.compile(r"candidate", re.I), "Candidate"),
)
_CERTIFIED = re.compile(
    r"\b(featured|survey|reproducibility|outstanding|J2C|journal[- ]to[- ]conference|expert)[ -]certification", re.I
)


@lru_cache(maxsize=MAX_MENTIONS)  # asked for several times while one text is read
def _track(text: str, claim: _Claim) -> str:
    mention = claim.mention
    left, right = text[claim.left : mention.start], text[mention.end : claim.right]
    if mention.journal:
        return "journal"
    if mention.suffix == "findings" or (not mention.suffix and _is_findings(left, right, mention.venue)):
        return "findings"
    if mention.suffix or claim.hosting or _WORKSHOP.search(left) or _WORKSHOP.search(right):
        return "workshop"
    for pattern, track in _TRACKS:
        if pattern.search(left) or pattern.search(right):
            return track
    return "workshop" if _event_beside(left, right) else "main"


def _event_beside(left: str, right: str) -> bool:
    """Whether a name that is no venue's stands where a workshop's would: "CL4Health at NAACL 2025", "AAAI 2026 XYZ"."""
    if _EVENT_AT.search(left[-110:]) and not _LEVEL.search(left[-110:]):
        return True
    event = _AT.search(left[-110:])
    names = _ACRONYM.findall(event[1]) if event else []
    patterns = (
        (_BRACKETED, left),
        (_BEFORE_HOST, left),
        (_AFTER_HOST, right),
        (_WITHIN_HOST, right),
        (_IN_BRACKETS, right),
    )
    names += [match[1] for pattern, words in patterns if (match := pattern.search(words))]
    names += _FOR.findall(left[-80:]) + _FOR.findall(right[:60])
    return any(name.upper() not in _NO_EVENTS and not _ORDINAL.fullmatch(name) for name in names)


def _is_findings(left: str, right: str, venue: str) -> bool:
    if _FINDINGS_NEAR.search(left) or _FINDINGS_NEAR.search(right):
        return True
    return venue in _ACL and bool(_FINDINGS.search(left) or _FINDINGS.search(right))


def _level(text: str, claim: _Claim, others: Sequence[tuple[int, int]]) -> str:
    """The highest presentation that is named beside a venue, or in one of the short sentences after it."""
    found = {m[1].lower() for m in _LEVEL.finditer(text, claim.left, claim.right)}
    cue = re.search(r"\b(oral|spotlight|highlight|poster)\b[^,;.]{0,40}$", text[claim.sentence[0] : claim.left], re.I)
    if cue:
        found.add(cue[1].lower())
    for start, end in others:
        if len(text[start:end].split()) <= 12:
            found |= {m[1].lower() for m in _LEVEL.finditer(text, start, end)}
    return next((level.capitalize() for level in _LEVELS if level in found), "")


def _award(text: str, claim: _Claim, others: Sequence[tuple[int, int]], alone: bool) -> str:
    """The first award that is named in the claim's words, or, where no other venue is named, in its sentence."""
    for start, end in [(claim.sentence if alone else (claim.left, claim.right)), *others]:
        if match := _AWARD.search(text, start, end):
            words = f"{match['rest'] or ''} {match['mention'] or ''} {match['candidate'] or ''}"
            before = text[max(start, match.start() - 24) : match.start()]
            return " ".join(filter(None, (_award_name(match), _minor(words) or _minor(before))))
    return ""


def _award_name(match: re.Match[str]) -> str:
    if match["mention"]:
        return ""
    if not match["best"]:
        return "Best Paper"
    return " ".join((match["best"], match["kind"], match["noun"].rstrip("s"))).title().replace("  ", " ")


def _minor(words: str) -> str:
    return next((name for pattern, name in _MINOR_AWARDS if pattern.search(words)), "")


def _status(mention: VenueMention, year: int | None, track: str, level: str) -> str:
    if track == "findings" and mention.venue in _ACL:
        return " ".join(filter(None, ("Findings of", mention.venue, str(year or ""))))
    if track == "workshop":
        return f"workshop: {level}" if level else "workshop"
    return "" if mention.journal else " ".join(filter(None, (_LABELS.get(track, ""), level)))


# ---- the whole --------------------------------------------------------------------------------------------------------

_REMEMBERED = 4_096
"""Comments whose reading is kept: three in ten of arXiv's are word for word one of the latest so many ("10 pages")."""

_JOINED = re.compile(r"\b(?:and|also)\b", re.I)
_RANKS = {"main": 0, "journal": 0, "findings": 2, "workshop": 4}


def fate(comment: str, journal_ref: str = "", *, not_before: date | None = None) -> Fate | None:
    """Where a paper appears by its comment and journal reference; None where neither claims anything.

    A reference is a claim of publication and comes first; the comment adds what it says of the same venue. Of several
    venues in a comment, a main conference or journal comes before findings, other tracks and workshops, and of equal
    ones the first. `not_before` is the day of the first version: a venue of an edition more than a year before it counts
    only with words of acceptance, for a bare name is more likely that of an earlier paper.
    """
    said = _of_comment(comment, not_before.year if not_before else None) if comment else None
    reference = _plain(journal_ref) if journal_ref else ""
    if not _is_reference(reference):
        return said
    printed = _in_known_venue(reference)
    if printed is None:
        return said or _in_other_venue(reference)
    if said is not None and said.venue == printed.venue:
        return replace(said, year=printed.year or said.year) if said.track != "findings" else said
    return printed


@lru_cache(maxsize=_REMEMBERED)
def _of_comment(comment: str, not_before: int | None) -> Fate | None:
    text = _plain(comment)
    mentions = [m for m in _merged(text, venue_mentions(text)) if _named(text, m)][:MAX_MENTIONS]
    if not mentions:
        return None
    spans = list(_sentences(text))
    silent: list[tuple[int, int]] = []
    claims: list[_Claim] = []
    refused = False
    if _WITHDRAWN.search(text):
        return None
    for start, end in spans:
        found = _believed_in(text, start, end, [m for m in mentions if start <= m.start < end])
        if found:
            claims += found
        else:
            silent.append((start, end))
            refused = refused or any(c.kind == "no" for c in _cues(text, start, end, ()))
    claims = [_with_workshop(text, c, silent) for c in claims]
    waiting = {c.mention.venue for c in claims if c.state == "no" and _REVIEW.search(text, *c.sentence)}
    held = [c for c in claims if _holds(text, c, refused or c.mention.venue in waiting, not_before)]
    if not held:
        return None
    best = min(held, key=lambda c: _rank(text, c, held))
    if best.year is None:
        best = replace(best, year=next((c.year for c in held if c.year and _same_edition(c, best)), None))
    if best.year is None and _track(text, best) == "workshop":
        best = replace(best, year=next(reversed(_years(text[best.left : best.mention.start])), None))
    return _as_fate(text, best, [s for s in silent if s[0] > best.mention.start], len(claims) == 1)


_REVIEW = re.compile(r"\breview", re.I)
_WITHDRAWN = re.compile(
    r"\b(?:been|was|is|are|later|since|now|paper|we(?: have)?) (?:withdrawn|withdrew|retracted)\b", re.I
)
_NEXT = re.compile(
    r"[\w &/-]{0,40}\btrack\W*$|\s*(?:(?:in|at|for) )?(?:the )?(?:[\w'()&/-]+ ){0,8}workshops?\b(?! ?(?:pages?|web|sites?))[^.]{0,60}$",
    re.I,
)


def _with_workshop(text: str, claim: _Claim, silent: Sequence[tuple[int, int]]) -> _Claim:
    """The claim with the sentence after it where that is but a workshop's name: "ICCV, Honolulu. 1st X Workshop 2025"."""
    for start, end in silent:
        if 0 <= start - claim.sentence[1] <= 2 and claim.right == claim.sentence[1] and _NEXT.match(text[start:end]):
            if any(c.kind != "other" for c in _cues(text, start, end, ())):
                return claim
            return replace(claim, right=end, year=claim.year or _year(text, claim.mention, claim.sentence[0], end))
    return claim


def _same_edition(one: _Claim, other: _Claim) -> bool:
    """The same venue, or a workshop with its host."""
    hosted = one.mention.suffix == "own" and other.hosting and one.sentence == other.sentence
    return hosted or one.mention.venue == other.mention.venue


def _believed_in(text: str, start: int, end: int, mentions: Sequence[VenueMention]) -> list[_Claim]:
    """The claims of a sentence, read without the weak names that are none here."""
    claims = list(_read_sentence(text, start, end, mentions))
    believed = [c.mention for c in claims if _believed(text, c)]
    return claims if len(believed) == len(claims) else list(_read_sentence(text, start, end, believed))


def _holds(text: str, claim: _Claim, refused: bool, not_before: int | None) -> bool:
    """Whether a claim says that the paper is there."""
    if claim.state in ("strong", "yes"):
        return True
    workshop = _track(text, claim) == "workshop"
    if claim.state == "part":
        words = text[claim.sentence[0] : claim.mention.start]
        return workshop and not re.search(
            r"\b(?:in part|parts?|portions?|some|elements|subset|excerpts?)\b", words, re.I
        )
    if claim.state != "bare" or refused:
        return False
    old = not_before is not None and claim.year is not None and claim.year < not_before - 1
    if old and not workshop and not _alone(text, claim):
        return False
    return _said_plainly(text, claim, workshop)


def _alone(text: str, claim: _Claim) -> bool:
    """Whether between commas stand the venue and words that go with one, and nothing else."""
    return _said_plainly(text, replace(claim, year=None, mention=replace(claim.mention, weak=False)), workshop=False)


def _rank(text: str, claim: _Claim, claims: Sequence[_Claim]) -> tuple[int, int, bool, int]:
    """The lowest comes first. Of two claims of one edition, which say it twice, the more exact one counts: "CVPR 2026
    Findings. To appear in ... Computer Vision and Pattern Recognition"."""
    own = _RANKS.get(_track(text, claim), 3)
    rank = max([own, *(_RANKS.get(_track(text, other), 3) for other in claims if _says_again(text, claim, other))])
    if claim.mention.suffix == "own":
        rank = 5
    elif claim.mention.venue in _PRINTED_IN and len(claims) > 1:
        rank = 1
    return rank, -own, claim.state not in ("strong", "yes"), claim.mention.start


def _says_again(text: str, claim: _Claim, other: _Claim) -> bool:
    """Whether another claim is of the same edition, and no second paper's ("CoRL 2024 and presented at a CoRL workshop")."""
    if other is claim or other.mention.venue != claim.mention.venue or other.year not in (claim.year, None):
        return False
    if other.state == "part":
        return False
    first, second = sorted((claim.mention, other.mention), key=lambda m: m.start)
    between = text[first.end : second.start]
    said = any(cue.kind in ("strong", "yes") for cue in _cues(between, 0, len(between), ()))
    return not (said and _JOINED.search(between)) or _track(text, other) == "findings"


def _as_fate(text: str, claim: _Claim, after: Sequence[tuple[int, int]], alone: bool) -> Fate:
    mention, year = claim.mention, claim.year
    track = _track(text, claim)
    status = _status(mention, year, track, _level(text, claim, after))
    if mention.venue == "TMLR" and (certified := _CERTIFIED.search(text)):
        status = f"{certified[1][0].upper()}{certified[1][1:]} Certification"
    start, end = claim.sentence
    if end - start > MAX_EVIDENCE:
        start = max(start, min(mention.start - 80, end - MAX_EVIDENCE))
    return Fate(
        venue="Findings" if track == "findings" and mention.venue in _ACL else _settled(mention.venue, year),
        year=year,
        status=status,
        track=track,
        award=_award(text, claim, after, alone),
        evidence=text[start:end].strip()[:MAX_EVIDENCE],
    )


def _settled(venue: str, year: int | None) -> str:
    """The joint meeting goes by the name of the one that numbers it: https://aclanthology.org/venues/aacl/"""
    if venue != "IJCNLP-AACL":
        return venue
    return "AACL" if year in (2020, 2022) else "IJCNLP"


# ---- journal references -----------------------------------------------------------------------------------------------

_LETTERS = re.compile(r"[A-Za-z]{3}")
_NO_REFERENCE = re.compile(
    r"^(?:arxiv|doi|hal|biorxiv|ssrn|preprint)\b|\b(?:submitted|under review|withdrawn|rejected)\b", re.I
)
_PRINTED_YEAR = re.compile(rf"(?<![\d/.:-])({_YEAR})(?![\d:/])")
_MEETING_NAME = re.compile(r"\b(?:conference|symposium|congress|proceedings)\b|\bproc\b", re.I)
_EDITORS = re.compile(r"^[^()]*\(eds?\.?\)[\s.,:]*", re.I)
_NAME_END = re.compile(r"[,;(]|\s(?:vol(?:ume)?|no|pp?|pages?|issue|art(?:icle)?)\b\.?|\.?:?\s*\d|\s-\s|$", re.I)
_PREFIX = re.compile(
    rf"^(?:\s*(?:in:?|published in:?|proc(?:eedings|\.)?(?: of)?(?: the)?|{_YEAR}|the|\d+(?:st|nd|rd|th))\b[\s.:]*)+",
    re.I,
)


def _is_reference(text: str) -> bool:
    return bool(_LETTERS.search(text)) and not _NO_REFERENCE.search(text)


def _years(text: str) -> list[int]:
    return [int(match[1]) for match in _PRINTED_YEAR.finditer(text)]


def _in_known_venue(text: str) -> Fate | None:
    mentions = [m for m in _merged(text, venue_mentions(text)) if _named(text, m) and (not m.weak or m.start < 60)]
    if not mentions:
        return None
    mention = next((m for m in mentions if not m.journal or m.venue not in _PRINTED_IN), mentions[0])
    whole = (0, len(text))
    year = _year(text, mention, 0, len(text)) or next(reversed(_years(text)), None)
    claim = _Claim(mention=mention, year=year, state="strong", left=0, right=len(text), sentence=whole)
    return replace(_as_fate(text, claim, (), True), evidence=text[:MAX_EVIDENCE])


def _in_other_venue(text: str) -> Fate | None:
    """A venue by its name as written: what stands before the volume, the pages or the year."""
    name = _EDITORS.sub("", text)
    if prefix := _PREFIX.match(name):
        name = name[prefix.end() :]
    if end := _NAME_END.search(name):
        name = name[: end.start()]
    name = name.strip(" .,:")
    if sum(c.isalpha() for c in name) < 3:
        return None
    workshop = bool(_WORKSHOP.search(text))
    return Fate(
        venue=name[:120],
        year=next(reversed(_years(text)), None),
        status="workshop" if workshop else "",
        track="workshop" if workshop else "main" if _MEETING_NAME.search(text) else "journal",
        evidence=text[:MAX_EVIDENCE],
    )
