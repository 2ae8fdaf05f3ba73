"""How far two titles agree, and what makes near-equal titles those of two papers.

Papers change their titles between preprint and proceedings: a name before the colon comes or goes, a word is exchanged,
an acronym spelt out, a typo mended. Two papers of the same people differ as little at times, but in words that matter:
numerals ("Part I", "3D"), letters ("Task A"), opposites ("convex", "nonconvex"), one language, data set or task for
another, what follows a name ("GateFormer++", "Lite"), or a direction ("from A to B"). These guards end the comparison; all other differences are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from data.text import title_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How far two titles agree, in [0, 1]; `guard` says what makes them two papers' titles whatever else agrees."""

    agreement: float
    guard: str = ""


Parts = tuple[list[str], list[str]]
"""The words of a title before and after its first colon, as `data.text.title_parts` gives them."""

FUNCTION_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "for",
        "in",
        "on",
        "at",
        "by",
        "to",
        "from",
        "with",
        "and",
        "or",
        "via",
        "using",
        "through",
        "towards",
        "toward",
        "under",
        "over",
        "into",
        "as",
        "is",
        "are",
        "be",
        "can",
        "do",
        "does",
        "how",
        "what",
        "when",
        "why",
        "its",
        "it",
        "their",
        "our",
        "we",
        "s",
        "t",
        "between",
        "within",
        "across",
        "based",
        "that",
        "this",
        "not",
        "no",
        "use",
        "uses",
        "plus",
    ]
)
"""Words that a title may gain, lose or exchange without becoming another's."""

COMMON_WORDS = frozenset(
    [
        "large",
        "scale",
        "dataset",
        "datasets",
        "benchmark",
        "benchmarks",
        "survey",
        "review",
        "technical",
        "report",
        "approach",
        "approaches",
        "method",
        "methods",
        "framework",
        "system",
        "systems",
        "model",
        "models",
        "network",
        "networks",
        "learning",
        "deep",
        "neural",
        "efficient",
        "effective",
        "novel",
        "new",
        "simple",
        "study",
        "analysis",
        "evaluation",
        "language",
        "data",
        "algorithm",
        "algorithms",
        "improved",
        "improving",
        "fast",
        "robust",
        "general",
        "case",
        "application",
        "applications",
        "problem",
        "problems",
        "training",
        "task",
        "tasks",
        "machine",
    ]
)
"""Words that say little, as they stand in every tenth title: they count half, for and against."""

FUNCTION_COST, COMMON_COST, WORD_COST = 0.15, 0.5, 1.0
"""What a word that only one title has costs, in content words."""

VARIANT_COST, SPELT_OUT_COST, NAME_COST = 0.15, 0.35, 0.5
"""What an inflection or typo costs, an acronym spelt out, and a name before the colon that only one title has."""

LONGEST_NAME = 4
"""Words before a colon that may be a name ("Swish: ..."), which papers gain, lose and change."""

SHORTEST_REST = 3.0
"""Weight of the words behind a name from which the title is known without the name."""

LEAST_SHARED = 0.33
"""Share of the words of the shorter title that must stand in the other for a closer look."""

LONGEST_TITLE = 60
"""Words of a title that are compared: longer ones are no titles, and the time grows with the square."""


def compare_titles(a: str, b: str) -> Wording:
    """How far two titles agree when names before a colon, inflections, typos and word order count little."""
    return compare_parts(*sorted((title_parts(a), title_parts(b))))


def compare_parts(a: Parts, b: Parts) -> Wording:
    """`compare_titles` of titles already in parts."""
    best = _compare(a, b, 0.0)
    if best.guard:
        return best
    for one, other, cost in _without_names(a, b):
        found = _compare(one, other, cost)
        if not found.guard and found.agreement > best.agreement:
            best = found
    return best


def is_named(parts: Parts) -> bool:
    """Whether what stands before the colon may be a name without which the title still says what it is about."""
    head, tail = parts
    return 0 < len(head) <= LONGEST_NAME and weight(tail) >= SHORTEST_REST


_RESOURCES = frozenset(
    [
        "dataset",
        "datasets",
        "benchmark",
        "benchmarks",
        "challenge",
        "challenges",
        "corpus",
        "corpora",
        "database",
        "testbed",
        "competition",
    ]
)


def names_of_two_resources(a: str, b: str) -> bool:
    """Whether all that tells two titles apart is the name of a data set, benchmark or challenge before the colon: such
    titles are made to one pattern ("OwlBench: A Large-Scale Benchmark for Counting")."""
    one, other = title_parts(a), title_parts(b)
    if not is_named(one) or not is_named(other):
        return False
    left, right = _only_in_one(one[0], other[0])
    left, right, _ = _without_variants(left, right)
    if not left or not right or _is_abridged("".join(left), "".join(right)):
        return False
    here, there = _only_in_one(one[1], other[1])
    here, there, _ = _without_variants(here, there)
    words = one[1]
    named = not _RESOURCES.isdisjoint(words) or any(words[i : i + 2] == ["data", "set"] for i in range(len(words)))
    return named and not weight(here + there)


def _is_abridged(one: str, other: str) -> bool:
    """Whether the letters of one name stand in the other in order, the first one first ("OwlKit", "OutdoorWildlifeKit")."""
    short, long = sorted((one, other), key=len)
    letters = iter(long)
    return short[0] == long[0] and all(letter in letters for letter in short)


def weight(words: list[str]) -> float:
    """How much words say together: 1 each, half for common words, nothing for function words."""
    return sum(0.0 if w in FUNCTION_WORDS else COMMON_COST if w in COMMON_WORDS else WORD_COST for w in words)


def _without_names(a: Parts, b: Parts) -> Iterator[tuple[Parts, Parts, float]]:
    """The titles without the names before their colons, and what leaving these out costs."""
    named_a, named_b = is_named(a), is_named(b)
    if named_a and named_b:
        yield (a[1], []), (b[1], []), 2 * NAME_COST
    if named_a:
        yield (a[1], []), b, NAME_COST
    if named_b:
        yield a, (b[1], []), NAME_COST


def _compare(a: Parts, b: Parts, cost: float) -> Wording:
    words_a, words_b = _joined(a), _joined(b)
    left, right = _only_in_one(words_a, words_b)
    same = weight(words_a) - weight(left)
    if same < LEAST_SHARED * min(weight(words_a), weight(words_b)) and "".join(left) != "".join(right):
        return Wording(agreement=0.0)
    left, right, matched = _without_variants(left, right)
    guard = (
        _guard(left, right)
        or _lettered(a, b, left, right)
        or _only_one_has(a, b, left, right)
        or _only_one_has(b, a, right, left)
        or _fails(words_a, words_b, right)
        or _fails(words_b, words_a, left)
    )
    if not guard and not left and not right:
        guard = _turned(words_a, words_b)
    if guard:
        return Wording(agreement=0.0, guard=guard)
    same += sum(w for w, _ in matched)
    cost += sum(c for _, c in matched)
    cost += sum(
        FUNCTION_COST if w in FUNCTION_WORDS else COMMON_COST if w in COMMON_WORDS else WORD_COST for w in left + right
    )
    return Wording(agreement=same / (same + cost) if same else 0.0)


def _joined(parts: Parts) -> list[str]:
    """The words of a title, prefixes joined to what they belong to: "pre-training" and "pretraining" are one word."""
    out: list[str] = []
    for word in [*parts[0], *parts[1]][:LONGEST_TITLE]:
        if out and (out[-1] in _JOINED or (out[-1] in ("semi", "self") and word.startswith("supervis"))):
            out[-1] += word
        else:
            out.append(word)
    return out


def _only_in_one(a: list[str], b: list[str]) -> Parts:
    """The words that only one title has, each as often as it has more of them, in order."""
    rest = list(b)
    left = []
    for word in a:
        if word in rest:
            rest.remove(word)
        else:
            left.append(word)
    return left, rest


# --- forms of one word ------------------------------------------------------------------------------------------------


def _without_variants(left: list[str], right: list[str]) -> tuple[list[str], list[str], list[tuple[float, float]]]:
    """What is left when forms of one word are paired off; and the weight and the cost of each such pair."""
    if not left or not right:
        return left, right, []
    if "".join(left) == "".join(right):
        return [], [], [(min(weight(left), weight(right)), 0.0)]
    matched: list[tuple[float, float]] = []
    unmatched, right = [], list(right)
    for word in left:
        other = next((o for o in right if is_variant(word, o)), None)
        if other is None:
            unmatched.append(word)
        else:
            right.remove(other)
            matched.append((weight([word]), VARIANT_COST))
    left = unmatched
    for short, long in ((left, right), (right, left)):
        for word in list(short):
            if (run := _spelt_out(word, long)) is not None:
                start, end, cost = run
                matched.append((weight([word]), cost))
                short.remove(word)
                del long[start:end]
    return left, right, matched


def is_variant(a: str, b: str) -> bool:
    """Whether two words are forms of one: inflected, misspelt by a letter, British, or a numeral written out."""
    if a in _NUMERALS and b in _NUMERALS:
        return _NUMERALS[a] == _NUMERALS[b]
    if len(a) > len(b):
        a, b = b, a
    if a[0] != b[0] or len(a) < 3 or _DIGIT.search(a) or _DIGIT.search(b):
        return False
    common = 0
    while common < len(a) and a[common] == b[common]:
        common += 1
    ends = a[common:], b[common:]
    if (ends[0] == "" and ends[1] in ("s", "es")) or ends == ("y", "ies"):
        return True
    if told_apart(a, b):
        return False
    return (common >= 4 and common >= 0.6 * len(b) and len(ends[1]) <= 5) or (len(a) >= 6 and _one_edit(*ends))


def _one_edit(a: str, b: str) -> bool:
    """Whether one letter is put in, left out or exchanged, or two change places; `a` is not longer."""
    if len(a) < len(b):
        return a == b[1:]
    return len(a) == len(b) and (a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:]))


def _spelt_out(word: str, others: list[str]) -> tuple[int, int, float] | None:
    """Where `others` writes a word in parts or spells an acronym out, and what that costs."""
    if len(word) < 2:
        return None
    acronym = word[:-1] if word.endswith("s") and len(word) > 2 else word
    for start in range(len(others)):
        if others[start][0] != word[0]:
            continue
        joined, initials = "", ""
        for end in range(start, min(len(others), start + len(word))):
            joined += others[end]
            initials += others[end][0]
            if end == start:
                continue
            if joined == word:
                return start, end + 1, 0.0
            if initials in (word, acronym):
                return start, end + 1, SPELT_OUT_COST
    return None


# --- what makes two papers --------------------------------------------------------------------------------------------

_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d+")
_VERSION = re.compile(r"v?\d+")
_WRITTEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_NUMERALS = {
    **{word: n for n, word in enumerate(_WRITTEN)},
    **{word: n for n, word in enumerate(_ROMAN, 1)},
    **{str(n): n for n in range(100)},
}
_LISTS = (
    "first second third fourth fifth sixth",
    "single multi one two dual double triple binary few many zero three four five six", "local global", "micro macro",
    "inter intra", "homogeneous heterogeneous", "upper lower",
    "supervised unsupervised semisupervised selfsupervised semi self weakly", "online offline",
    "convex nonconvex concave", "linear nonlinear bilinear", "discrete continuous continual",
    "forward inverse backward reverse", "static dynamic", "centralized decentralized distributed federated",
    "parametric nonparametric semiparametric", "stationary nonstationary", "deterministic stochastic",
    "implicit explicit", "hard soft", "synchronous asynchronous", "smooth nonsmooth", "symmetric asymmetric",
    "monolingual bilingual multilingual crosslingual", "positive negative", "directed undirected",
    "labeled unlabeled labelled unlabelled", "with without", "small large", "short long", "low high",
    "indoor outdoor", "open closed", "white black", "day night", "monocular stereo binocular", "strong weak",
    "minimum maximum min max", "encoder decoder", "balanced imbalanced unbalanced", "homophily heterophily",
    "known unknown", "seen unseen", "regular irregular", "normal abnormal pathological", "left right", "input output",
    "offensive defensive", "attack defense", "image video text speech audio music",
    "rgb thermal infrared lidar radar", "in out", "male female", "man woman", "men women", "boy girl", "mother father",
    "english german french spanish italian portuguese russian chinese japanese korean arabic hindi turkish"
    " dutch polish czech finnish swedish danish norwegian greek hebrew persian thai vietnamese indonesian"
    " bengali tamil urdu swahili latin sanskrit catalan basque romanian hungarian ukrainian bulgarian telugu"
    " marathi amharic yoruba hausa welsh irish icelandic",
    "cifar imagenet mnist coco kitti cityscapes nuscenes waymo squad glue wikipedia twitter reddit",
    "cnn rnn lstm gan vae transformer mlp gnn", "bert gpt llama qwen mistral gemini claude",
    "classification regression segmentation detection clustering tracking",
    "brain lung heart liver breast prostate retina kidney skin colon", "ct mri pet ultrasound xray",
    "human robot animal", "car pedestrian bicycle",
)  # fmt: skip
"""Words of which one paper has this and the next one that: exchanged for each other they make two papers."""

_LISTS_OF: dict[str, frozenset[int]] = {}
for _number, _list in enumerate(_LISTS):
    for _word in _list.split(" "):
        _LISTS_OF[_word] = _LISTS_OF.get(_word, frozenset()) | {_number}

_NEGATIONS = frozenset(
    [
        "non",
        "not",
        "no",
        "without",
        "never",
        "un",
        "cannot",
        "cant",
        "dont",
        "doesnt",
        "isnt",
        "arent",
        "wont",
        "shouldnt",
    ]
)
_FAILING = frozenset(["fail", "fails", "failed", "failing", "failure", "failures", "struggle", "struggles"])
_BEHIND_NAMES = frozenset(["plus", "star", "pro", "lite", "next", "xl", "ultra", "mini", "revisited"])
_INSTEAD_OF_PLUS = frozenset({"and", "with", "x", "plus"})
_JOINED = frozenset({"pre", "re", "non", "un", "anti", "co"})
_PREFIXES = frozenset(
    {"un", "non", "in", "dis", "anti", "a", "multi", "post", "semi", "self", "hyper", "meta", "bi", "tri"}
)
_PREFIX_BEFORE = {"im": "bmp", "ir": "r", "il": "l"}
_DIRECTIONS = frozenset({"to", "from", "into", "versus", "vs", "2"})
_PARTS = frozenset({"part", "volume", "chapter", "version", "lecture", "day", "phase", "stage"})


def _guard(left: list[str], right: list[str]) -> str:
    for one in left:
        for other in right:
            if told_apart(one, other):
                return f"titles differ: {one} against {other}"
    said, unsaid = (_NEGATIONS.intersection(words) for words in (left, right))
    if bool(said) != bool(unsaid):
        return f"only one title says {min(said or unsaid)}"
    return ""


def told_apart(one: str, other: str) -> bool:
    """Whether two words, each in one of two near-equal titles, tell two papers apart: 2D and 3D, with and without."""
    if one in _NUMERALS and other in _NUMERALS:
        return _NUMERALS[one] != _NUMERALS[other]
    if one.isdigit() and other.isdigit():
        return one != other
    if len(one) == len(other) == 1 and _is_letter(one) and _is_letter(other):
        return one != other
    if not _lists_of(one).isdisjoint(_lists_of(other)):
        return True
    if _DIGIT.search(one) or _DIGIT.search(other):
        digits = _DIGITS.findall(one) != _DIGITS.findall(other)
        if digits and _DIGITS.sub("", one) == _DIGITS.sub("", other) != "":
            return True
    short, long = sorted((one, other), key=len)
    if len(short) > 2 and long.startswith(short) and _VERSION.fullmatch(long, len(short)):
        return True
    if len(short) > 3 and long.startswith(short) and long[len(short) :] in _BEHIND_NAMES:
        return True
    before = long[: len(long) - len(short)]
    if len(short) < 4 or not long.endswith(short) or not before:
        return False
    return before in _PREFIXES or short[0] in _PREFIX_BEFORE.get(before, "")


def _lists_of(word: str) -> frozenset[int]:
    return _LISTS_OF.get(word) or _LISTS_OF.get(word.removesuffix("s"), frozenset())


def _is_letter(word: str) -> bool:
    """Whether the word is a lone letter that can stand for a number; not an article, nor what an apostrophe leaves."""
    return len(word) == 1 and "b" <= word <= "z" and word not in ("s", "t")


def _lettered(a: Parts, b: Parts, left: list[str], right: list[str]) -> str:
    """Two lone letters, "a" among them, behind one word ("Task A", "Task B")."""
    if not any(len(w) == 1 for w in left) or not any(len(w) == 1 for w in right):
        return ""
    here, there = (
        {
            before: word
            for words in parts
            for before, word in pairwise(words)
            if len(word) == 1 and word in only and word.isascii() and word.isalpha() and before not in FUNCTION_WORDS
        }
        for parts, only in ((a, left), (b, right))
    )
    for before in sorted(here.keys() & there.keys()):
        if here[before] != there[before]:
            return f"titles differ: {before} {here[before]} against {before} {there[before]}"
    return ""


def _only_one_has(a: Parts, b: Parts, left: list[str], right: list[str]) -> str:
    """What only `a` has behind a name or a word of both: a numeral that numbers it ("BLIP-2", "Owls III", "Part II"), a
    letter ("Task B"), or what makes it another's name ("Plus", "Revisited")."""
    if not any(len(w) == 1 or w in _NUMERALS or w in _BEHIND_NAMES for w in left):
        return ""
    numbered = any(w in _NUMERALS or len(w) == 1 for w in right)
    others = {*b[0], *b[1]}
    for words in a:
        for i, word in enumerate(words):
            if i == 0 or word not in left:
                continue
            before, last = words[i - 1], i == len(words) - 1
            sign = word in ("plus", "star")
            shared = before in others and (sign or before not in FUNCTION_WORDS)
            if word in _NUMERALS or (len(word) == 1 and word.isascii() and last):
                if not numbered and (before in _PARTS or (shared and (last or word.isdigit()))):
                    return f"only one title has the numeral {word}"
            elif not shared or word not in _BEHIND_NAMES:
                continue
            elif _INSTEAD_OF_PLUS.isdisjoint(right) if sign else last or words[i + 1] in FUNCTION_WORDS:
                return f"only one title says {word}"
    return ""


def _fails(a: list[str], b: list[str], right: list[str]) -> str:
    """Whether only `a` says that something fails to do what the title is about."""
    if _FAILING.isdisjoint(a):
        return ""
    for word, then in pairwise(a):
        if word in _FAILING and then == "to":
            says_so = _FAILING.isdisjoint(b) and _NEGATIONS.isdisjoint(right)
            return f"only one title says {word} to" if says_so else ""
    return ""


def _turned(a: list[str], b: list[str]) -> str:
    """Whether "x to y" in one title is "y to x" in the other."""
    there = {(b[i - 1], b[i + 1]) for i in range(1, len(b) - 1) if b[i] in _DIRECTIONS}
    for i in range(1, len(a) - 1):
        before, after = a[i - 1], a[i + 1]
        if a[i] in _DIRECTIONS and (after, before) in there and (before, after) not in there:
            return f"titles differ: {before} {a[i]} {after} against the other way round"
    return ""
