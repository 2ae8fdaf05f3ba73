"""Data sets and benchmarks in titles and abstracts: which known ones a paper uses, and which ones it announces.

`DatasetNames` looks known names up; `announced` reads the phrases in which authors present a data set of their own.
Both are pure, never raise, and take time linear in the length of the text. A wrong facet annoys more than a missing
one, so in doubt a name is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from data.seeds import known_datasets

_TITLE_END = " ¶ "  # between title and abstract: no name and no phrase reaches over it


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """A data set that a paper names; `introduces` is true when the paper itself announces it."""

    name: str
    introduces: bool


@dataclass(frozen=True, slots=True)
class _Hit:
    start: int
    end: int
    name: str
    spelling: str
    sure: bool


@dataclass(frozen=True, slots=True)
class _Spelling:
    text: str
    name: str
    needs_context: bool


# --- plain text ---------------------------------------------------------------------------------------------------

_URL = re.compile(r"(?:https?://|www\.)[^\s{}]+|\b[\w-]{1,60}\.(?:com|org|io|ai)/[^\s{}]+")
_GREEK = re.compile(r"\\(tau|infty|alpha|beta|gamma|lambda|mu|pi|sigma|phi|psi|omega)(?![a-zA-Z])")
_GREEK_LETTERS = {
    "tau": "τ", "infty": "∞", "alpha": "α", "beta": "β", "gamma": "γ", "lambda": "λ", "mu": "μ", "pi": "π",
    "sigma": "σ", "phi": "φ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
_MACRO = re.compile(
    r"\\[a-zA-Z]{1,40}\*?\s?(?=\{)|\\(?:textsc|textbf|emph|bf|it|sc|em|tt|xspace)(?![a-zA-Z])\s?|\\(?=[\W_])"
)
_POWER = re.compile(r"\^\s?\{?([23])\}?")
_MARKS = str.maketrans({**dict.fromkeys('{}$`"“”„«»*\u00ad', ""), "‐": "-", "‑": "-", "~": " "})
_APOSTROPHE = re.compile(r"(?<![^\W_])['‘’]|['’](?![^\W_])")
_UNDERLINED = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


def _plain(text: str) -> str:
    """The text without addresses, LaTeX marks and quotation marks, on one line."""
    if "/" in text or "www." in text:
        text = _URL.sub(" ", text)
    if "\\" in text:
        text = _MACRO.sub("", _GREEK.sub(lambda m: _GREEK_LETTERS[m[1]], text))
    if "^" in text:
        text = _POWER.sub(lambda m: "²" if m[1] == "2" else "³", text)
    text = text.translate(_MARKS)
    if "'" in text or "’" in text:
        text = _APOSTROPHE.sub("", text)
    if "_" in text:
        text = _UNDERLINED.sub("", text)
    return " ".join(text.split())


# --- known names --------------------------------------------------------------------------------------------------

_PART = re.compile(r"[-\s_/]+")
_LETTERS_DIGIT = re.compile(r"(?<=[A-Za-z]{3})(?=\d)")
_LEADING = re.compile(r"[^\W\d_]+|\d+|\S")
_WORD_START = re.compile(r"\b(?:[^\W\d_]+|\d+)|∞")
_NOT_BEFORE = r"(?<![\w+])(?<!\w-)"
# ImageNet-pretrained is a use of ImageNet; ImageNet-X is another data set
_NOT_AFTER = (
    r"(?![\w+²³])(?!-(?!(?i:pre|style|like|based|scale|train|level|type|format|test|val|fine))[A-Z0-9])(?!\.\d)"
)
# "CIFAR-10/100", "CIFAR-10 and -100", "AIME 2024/2025"
_AND_NUMBER = re.compile(r"(?:, ?and| ?[/,&]| and| or) ?-?(\d{1,4}[KM]?)(?![\w%+-]|\.\d)")
_NUMBER_TAIL = re.compile(r"\d{1,4}[KM]?$")

_STRONG_NOUN = (
    r"(?:data[- ]?sets?|benchmarks?|corpus|corpora|challenge|leaderboard|test[- ]?(?:set|bed|suite)s?|suite|databases?"
    r"|treebank|competition|archive)"
)
_CONTEXT_AFTER = re.compile(
    r"(?:\s?\([^()]{0,60}\))?[-\s]+"
    rf"(?:(?!(?:with|and|or|on|in|for|to|as|by|of|is|are|the|a|an|from|than)\b)[\w-]+\s){{0,2}}{_STRONG_NOUN}\b"
    r"|(?:'s)?\s(?:validation|dev|test|val|splits?|subsets?|accuracy|treebank|tasks)\b",
)
_CONTEXT_BEFORE = re.compile(
    rf"(?:\b(?:[Oo]n|across|over) (?:the |both |all )?|\b{_STRONG_NOUN}\b[^.;]{{0,30}}[\s(:,])$", re.I
)
_LONGER_NAME = re.compile(
    rf" (?:[A-Z][a-z]\w{{0,20}} ){{1,3}}(?i:{_STRONG_NOUN})\b"
)  # the MPII Movie Description dataset
_AFTER_KIND = re.compile(r"\b(?:dataset|benchmark|corpus), $")
_GOES_ON = re.compile(r" (?!(?:and|which|that|with|for|as|to|where|in|on)\b)\w")
_LIST_GAP = re.compile(r"[^.;]{0,40}$")
_LIST_MARK = re.compile(r",|/|&|\band\b|\bor\b")
_WINDOW = 60  # characters on either side in which a context word counts


@dataclass(frozen=True, slots=True)
class DatasetNames:
    """Names with aliases, by the words with which they begin; what matches them is compiled when the word is first read."""

    _by_word: Mapping[str, Sequence[_Spelling]]
    _canonical: Mapping[str, str]
    _compiled: dict[str, re.Pattern[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, known: Mapping[str, Sequence[str]], *, needs_context: Collection[str] = ()) -> DatasetNames:
        """Matches the names (canonical name to aliases). Those spellings in `needs_context` count in exact case only,
        and only beside a word such as "dataset" or in a list with other data sets."""
        ambiguous = frozenset(needs_context)
        by_word: dict[str, list[_Spelling]] = {}
        canonical: dict[str, str] = {}
        for name, aliases in known.items():
            for text in dict.fromkeys((name, *aliases)):
                if not text.strip():
                    continue
                canonical.setdefault(_squeezed(text), name)
                for word in _first_words(text):
                    by_word.setdefault(word, []).append(_Spelling(text, name, text in ambiguous))
        for spellings in by_word.values():
            spellings.sort(key=lambda s: (-len(_squeezed(s.text)), s.needs_context))
        return cls(by_word, canonical)

    @classmethod
    def shipped(cls) -> DatasetNames:
        """Matches the names of datasets.toml."""
        rows = known_datasets()
        return cls.of(
            {row.name: row.aliases for row in rows},
            needs_context=[spelling for row in rows for spelling in row.needs_context],
        )

    def uses(self, title: str, abstract: str) -> list[DatasetUse]:
        """The data sets that the paper names or announces, in order of appearance, each name once."""
        text = _joined(title, abstract)
        new = _announcements(text)
        found = [(start, self._canonical.get(_squeezed(name), name), True) for start, name in new]
        own = {at for start, name in new for at in range(start, start + len(name))}
        found += [(hit.start, hit.name, False) for hit in _confirmed(self._hits(text), text) if hit.start not in own]
        introduced = {name for _, name, introduces in found if introduces}
        names = dict.fromkeys(name for _, name, _ in sorted(found, key=lambda f: f[0]))
        return [DatasetUse(name, name in introduced) for name in names]

    def _hits(self, text: str) -> list[_Hit]:
        hits: list[_Hit] = []
        end = 0
        for word in _WORD_START.finditer(text):
            first = word[0].casefold()
            spellings = self._by_word.get(first)
            if spellings is None or word.start() < end:
                continue
            match = self._pattern(first).match(text, word.start())
            if match is None or match.lastindex is None:
                continue
            spelling = spellings[match.lastindex - 1]
            end = match.end()
            hits.append(_Hit(match.start(), end, spelling.name, match[0], not spelling.needs_context))
            while (more := _AND_NUMBER.match(text, end)) and (tail := _NUMBER_TAIL.search(match[0])):
                sibling = self._canonical.get(_squeezed(match[0][: tail.start()] + more[1]))
                if sibling is None:
                    break
                end = more.end()
                hits.append(_Hit(more.start(1), end, sibling, more[1], sure=True))
        return hits

    def _pattern(self, word: str) -> re.Pattern[str]:
        if word not in self._compiled:
            either = "|".join(f"({_spelling_pattern(s)})" for s in self._by_word[word])
            self._compiled[word] = re.compile(f"{_NOT_BEFORE}(?:{either}){_NOT_AFTER}")
        return self._compiled[word]


def _joined(title: str, abstract: str) -> str:
    return f"{_plain(title)}{_TITLE_END}{_plain(abstract)}"


def _squeezed(spelling: str) -> str:
    """The spelling without what may vary: case, hyphens, blanks."""
    return _PART.sub("", spelling).casefold()


def _first_words(spelling: str) -> set[str]:
    """The words with which the spelling can begin in a text: "mini-ImageNet" with mini and with miniimagenet."""
    words, joined = set(), ""
    for part in _PART.split(spelling.strip()):
        lead = _LEADING.match(part)
        if lead is None or (joined and joined[-1].isdigit() != lead[0][0].isdigit()):
            break
        joined += lead[0].casefold()
        words.add(joined)
        if lead.end() < len(part):
            break
    return words


def _spelling_pattern(spelling: _Spelling) -> str:
    if spelling.needs_context:
        return re.escape(spelling.text).replace(r"\ ", "[- ]")
    pattern = ""
    parts = _PART.split(spelling.text.strip())
    for n, part in enumerate(parts):
        if n and n == len(parts) - 1 and len(part) == 1 and part.isupper():
            pattern += f"-(?-i:{part})"  # ImageNet-A; "on ImageNet a" is not
            continue
        body = "[-_ '’]?".join(re.escape(piece) for piece in _LETTERS_DIGIT.split(part))
        pattern += ("[-_/ ]?" if n else "") + body
    letters = [c for c in spelling.text if c.isalpha()]
    exact = len(letters) <= 4 and not any(c.isdigit() for c in spelling.text)
    return pattern if exact else f"(?i:{pattern})"


def _confirmed(hits: Sequence[_Hit], text: str) -> list[_Hit]:
    """The hits without those ambiguous ones that nothing near shows to be data sets."""
    if all(hit.sure for hit in hits):
        return list(hits)
    sure = [hit.sure or _in_context(hit, text) for hit in hits]
    order = list(pairwise(range(len(hits))))
    for left, right in (*order, *((b, a) for a, b in reversed(order))):
        if sure[left] and not sure[right]:
            first, second = sorted((hits[left], hits[right]), key=lambda h: h.start)
            gap = text[first.end : second.start]
            listed = _LIST_GAP.match(gap) and _LIST_MARK.search(gap)
            sure[right] = bool(listed) and not _is_elsewhere(hits[right], text)
    others = {hit.spelling for hit in hits if not hit.sure and _is_another_thing(hit, text)}
    return [hit for hit, good in zip(hits, sure, strict=True) if good and (hit.sure or hit.spelling not in others)]


def _in_context(hit: _Hit, text: str) -> bool:
    if _is_elsewhere(hit, text):
        return False
    return bool(
        _CONTEXT_AFTER.match(text[hit.end : hit.end + _WINDOW])
        or _CONTEXT_BEFORE.search(text[max(0, hit.start - _WINDOW) : hit.start])
    )


def _is_elsewhere(hit: _Hit, text: str) -> bool:
    """Whether the words around belong to something else: "the MPII Movie Description dataset", "On the Omniglot dataset,
    ARC models win"."""
    opens_clause = _AFTER_KIND.search(text[max(0, hit.start - _WINDOW) : hit.start]) and _GOES_ON.match(text, hit.end)
    return bool(_LONGER_NAME.match(text, hit.end) or opens_clause)


def _is_another_thing(hit: _Hit, text: str) -> bool:
    """Whether the text gives the name to something of its own: "SCAN: ..." as title, "we propose SCAN", "Some Long
    Name (SCAN)"."""
    before, after = text[max(0, hit.start - _WINDOW) : hit.start], text[hit.end : hit.end + 2]
    return bool(
        (hit.start == 0 and after[:1] == ":")
        or _COINED.search(before)
        or (before.endswith("(") and after[:1] == ")" and _ABBREVIATED.search(before))
        or (after == " (" and _EXPANDED.match(text[hit.end + 1 : hit.end + 1 + _WINDOW]))
    )


_COINED = re.compile(
    r"(?:\b(?:introduc|propos|present|develop|design)\w*|\b(?:called|named|dubbed|termed|coined|namely)) (?:the |a |an )?$"
)
_ABBREVIATED = re.compile(r"[A-Za-z]{2,}[- ][\w-]+ ?\($")
_EXPANDED = re.compile(r"\((?:[A-Za-z][\w-]* ){2}")


# --- announced names ----------------------------------------------------------------------------------------------

_VERB = (
    r"(?:introduc|present|releas|propos|construct|curat|build|develop|contribut|collect|creat|design|establish|unveil"
    r"|offer|provid|publish|assembl|compil|describ|launch|formulat|annotat|gather|shar|annouc|announc|mak|open-sourc|devis|generat|suggest|synthesi[sz])"
    r"(?:e|es|s|ed|ing|t)?|built|made|build"
)
_KIND = (
    r"(?i:data[- ]?sets?|(?:meta-?)?benchmarks?|benchmark(?:ing)? suites?|corpus|corpora|test[- ]?beds?|test[- ]?suites?"
    r"|(?:test|evaluation|eval|challenge|diagnostic|probing|instruction|benchmark) (?:sets?|suites?|collections?)"
    r"|suites? of (?:[\w-]+ ){0,4}(?:tasks|environments|benchmarks|datasets|tests|problems|evaluations)"
    r"|collections? of (?:[\w,.-]+ ){0,5}(?:images|videos|questions|datasets|problems|tasks|benchmarks|texts|documents|dialogues"
    r"|conversations|recordings|annotations|scenes|prompts)"
    r"|leaderboards?|arena|(?<!vector )(?<!graph )databases?|treebanks?)"
)
# What ends a noun phrase, so that the kind is its head: "a benchmark for", not "a benchmark-driven method"
_END = (
    r"(?=\s?(?:[.,;:()¶&]|--|-\s|[–—]|$)"
    r"| (?:for|of|that|to|with|which|in|on|from|by|using|where|and|as|at|whose|across|via|based on|is|are|has|under|we|"
    r"tailored|built|made|derived|drawn|specifically|explicitly|specially|carefully|dedicated|focus(?:ed|ing)?|aim(?:ed|ing)|consisting|comprising|containing|composed|covering|spanning|featuring|evaluating"
    r"|measuring|testing|including|assessing|targeting|providing|pairing|encompassing|capturing|probing|combining|offering"
    r"|enabling|supporting|integrating|examining|comprised|designed|benchmarking|employing|leveraging|utilizing|simulating|grounded|meant|intended|can|will|contains|consists|comprises|it|built|called|named|dubbed|termed|coined|namely|entitled|titled|denoted|referred)\b"
    r"| (?:\w+ly )?\w+ed (?:by|from|with|to|in|on|for|using|via|at|as|under|across|specifically|over|through|around|upon)\b)"
)
_DET = r"(?:a|an|the|our|its|two|three|four|five|several|another|one of the|both|new|novel)"
_STOP = (
    r"(?:for|of|to|that|which|with|in|on|from|by|using|via|is|are|was|we|where|when|whose|and (?:a|an|the)|based on|outperforms"
    r"|as|than|over|trained|evaluated|called|named|dubbed|termed|namely|built|our|without|through|it|into|between|across)"
)
_METHOD = (
    r"(?:models?|methods?|frameworks?|approach(?:es)?|algorithms?|pipelines?|networks?|architectures?|systems?|tools?|toolkits?|library"
    r"|platforms?|loss|agents?|protocols?|metrics?|techniques?|engines?|generators?|simulators?|paradigms?|strategy|procedure|schemes?|optimizers?)"
)
_WORDS = rf"(?:(?!{_STOP}\b|\S*--|{_METHOD} and\b)(?:\([^()\s]{{1,15}}\)|[^\s.;:()¶–—]+)(?:\.\d[^\s;:()¶]*)? ){{0,14}}?"
_OPEN_PHRASE = rf"{_DET} (?!{_METHOD}\b(?:,| and)){_WORDS}{_KIND}"
_PHRASE = rf"{_OPEN_PHRASE}{_END}"

_NAME = r"[^\W_][\w+²³-]{0,39}(?:\.\w[\w+-]{0,10}){0,2}(?:'s)?"
_CAPITAL = r"(?:v\d[\d.]*\b|[A-Z0-9ΣΦΨτ∞][\w+²³-]{0,39}(?:\.\w[\w+-]{0,10}){0,2}(?:'s)?)"
_LINK = r"(?:(?:of|for|the|in|on|to) ){0,2}"
_LONG = rf"(?:{_NAME}(?: {_LINK}{_CAPITAL}){{0,7}})"
_PAREN = r"(?: ?\([^()]{1,160}\))"
_IS = r"(?:, | (?=an? )| ?: | ?:|: | ?-- ?| - | ?[–—] ?|,? which is |,? i\.e\.,? | as | is | to be )"
_ALSO = r"(?:,? (?:and|or|&|as well as|together with|along with|alongside) (?:the |our |its )?|, (?:the |our )?)"
_CALLED = (
    r"(?:called|named|dubbed|termed|coined|namely|i\.e\.,|entitled|titled|denoted(?: as| by)?|(?:which )?(?:we )?(?:call|name|term|dub|coin)(?: it)?"
    r"|(?:which )?(?:we )?refer(?:red)? to (?:it )?as|abbreviated as|known as)"
)

_ANNOUNCES = re.compile(
    rf"(?<!\w)(?:[Ww]e|[Pp]aper|[Ww]ork|[Aa]rticle|[Rr]eport|[Ss]tudy|[Aa]uthors|[Tt]o|[Aa]nd|[Bb]y|[Ii]t|[Tt]hen|[Ww]ould|also|here|[Hh]ence|[Ff]inally|[Tt]herefore|[Ww]hile|[Ii]n|¶|have|has|\(\w{{1,3}}\))"
    rf",? (?:(?:(?!(?:previous|recent|original|current|new)ly)\w+ly|also|here|then|first|further|next|thus|therefore|have|has|in this paper|to) ){{0,2}}(?:{_VERB})(?: \w+ly)?(?:(?:,| and| &|, and) (?:\w+ly )?(?:{_VERB})){{0,2}}(?: (?:publicly )?available)?,? (?:\(\w{{1,3}}\) )?"
    rf"|¶ Introducing |(?:^|[.:] )Introducing "
    r"|\b(?:introduction|establishment|creation|development|curation|presentation|proposal) of "
)
_NAMED_FIRST = re.compile(
    rf"(?:the |our |an? )?(?:(?:new|novel|first|large-scale) )?(?P<names>{_LONG}(?:{_PAREN}|{_PAREN}?{_ALSO}{_LONG}){{0,3}}){_IS}(?:\w+ )?{_PHRASE}"
)
_THE_NAME_KIND = re.compile(
    rf"(?:(?P<the>the|our) )?(?:(?:new|novel|first|open|large-scale|publicly available|freely available|multimodal|multilingual|challenging) ){{0,3}}"
    rf"(?P<names>(?!an? ){_NAME}(?: {_CAPITAL}){{0,3}}{_PAREN}?(?: and {_NAME})?) "
    rf"(?:(?:evaluation|benchmark|data|test|video|image|speech|text|parallel) )?{_KIND}{_END}"
)
_SHORT_AFTER = re.compile(r"(?: [^.;:()¶,]{1,60})? \(([A-Z][\w-]{1,15})\)")
_A_NAME_KIND = re.compile(rf"an? (?:(?:new|novel) )?(?P<names>\w*[a-z][A-Z]\w*(?:-{_NAME})?) {_KIND}{_END}")
_KIND_FIRST = re.compile(
    rf"{_PHRASE}(?P<between>(?:[^.;:()¶]|\.\d|\([^()]{{1,20}}\)){{0,200}}?)(?:(?:[,:(–—]|--)? ?\(?{_CALLED}:? (?:as )?(?:the )?(?P<called>{_LONG}(?:{_PAREN}|{_PAREN}?{_ALSO}{_LONG}){{0,3}}))"
)
_ENDS_IN_KIND = re.compile(rf"{_KIND} $", re.I)
_OTHER_THING = re.compile(rf"\b{_METHOD},?$|\b(?:and|with|using|by|via) (?:a|an|the|our) .*\b{_METHOD}\b")
_KIND_ABBREVIATED = re.compile(rf"(?P<long>{_OPEN_PHRASE}\b(?P<tail>[^.;:()¶]{{0,80}})) \((?P<names>{_NAME})\){_END}")
_KIND_NEXT = re.compile(
    rf"{_PHRASE}(?:(?P<open> ?\()|, (?:the )?| ?: ?| ?[–—] ?| ?-- ?| - )(?P<names>{_LONG}(?:{_PAREN}|{_ALSO}{_LONG}){{0,3}})(?=\s?(?:[.,;:()¶–—]|--|$)| (?:for|that|which|with|to|consisting|comprising|containing|designed|in|where|built|based|on)\b)"
)
_KIND_PLAIN = re.compile(
    rf"{_OPEN_PHRASE} (?P<names>{_NAME})(?=\s?[.,;:()¶]| (?:for|that|which|with|to|consisting|comprising|containing|designed)\b)"
)
_LONG_ABBREVIATED = re.compile(
    rf"(?:the |our |an? )?(?P<long>(?:(?!(?:that|which|we|by|using|via|based|from|derived|with|across|entire)\b|\S*--)[^\s.;:()¶–—]+ ){{1,12}})\((?P<names>{_NAME})\)"
)
_AND_ALSO = re.compile(
    rf"(?:\band|as well as|together with|along with|accompanied by|alongside|\(\w{{1,3}}\):?|;) (?:{_VERB} )?(?:the )?(?P<names>{_LONG}{_PAREN}?)(?:, | ?[:–—] ?){_PHRASE}"
)
_OURS = re.compile(
    rf"\b(?:[Oo]ur|[Aa]ccompanying) (?:\w+ly )?(?:(?:resulting|accompanying|new|novel|proposed|introduced|developed|built|created|collected|curated|constructed|released|large-scale|own) ){{0,3}}"
    rf"(?:{_KIND},? (?:{_CALLED} )?\(?(?P<next>{_NAME}(?: {_CAPITAL})?)(?=[,.)]| (?:contains|consists|comprises|is|includes|provides|features|covers))"
    rf"|(?:(?!{_STOP}\b)[\w-]+ ){{0,6}}\((?P<short>{_NAME})\) {_KIND}{_END}|(?P<names>{_NAME}) {_KIND}{_END})"
    rf"|\b[Oo]ur (?:key |main )?(?:innovation|contribution) is (?P<innovation>{_NAME}), {_PHRASE}"
    rf"|\b[Tt]he (?:proposed|resulting|new) {_KIND},? {_CALLED} (?P<resulting>{_NAME})"
    rf"|\b[Tt]he proposed (?P<proposed>{_NAME}) {_KIND}{_END}"
)
_NEW_KIND = re.compile(
    rf"\b(?:[Aa] (?:[\w-]+ )?(?:new|novel)|[Tt]he first) (?:(?!{_STOP}\b)[^\s.;:()¶,]+ ){{0,6}}?{_KIND}(?:{_END}(?:[^.;:()¶]{{0,60}}?))?(?:,? {_CALLED} (?:the )?(?P<called>{_LONG})|, (?P<names>{_NAME}),)"
)
_PART_OF_NAME = re.compile(r"[A-Z][\w-]* $")
_IS_NEW = re.compile(
    rf"(?<![\w-])(?P<names>{_NAME}) is (?:a|the) (?:new|novel|newly \w+ed|first) (?:(?!{_STOP}\b)[^\s.;:()¶,]+ ){{0,8}}?{_KIND}{_END}"
)
_BENCH = re.compile(
    r".*(?:[Bb]ench|BENCH|Benchmark|Dataset|Corpus|Corpora)(?:[-+]?[\dvVxX][\w.]*|-[\w.]{1,8}|\+{1,2}|²)?$"
)
_BENCH_AT = re.compile(
    rf"(?:the |our )?(?P<names>{_NAME}(?: {_CAPITAL}){{0,1}}{_PAREN}?{_ALSO}?(?:(?<= )|(?<=,)){_NAME}|{_NAME})"
)
_TITLE_NAME = re.compile(rf"(?P<names>{_LONG}{_PAREN}?(?: and {_NAME})?)(?: ?: ?| ?[–—] ?| -+ |, )")
_INTRODUCING = re.compile(r"(?:Introducing|Presenting) ")
_TITLE_KIND = re.compile(
    rf"(?!(?:leverag|us|utiliz|exploit|combin|learn|improv|distill|rethink)ing\b|beyond\b)(?:(?:a|an|the|towards|toward|building) )?(?:(?!(?:{_STOP}|{_METHOD} and)\b)[^\s.;:()¶]+ ){{0,12}}?{_KIND}{_END}",
    re.I,
)
_SURVEY = re.compile(r"\b(?:survey|review|overview)\b", re.I)
_AND_METHOD = re.compile(rf"\band [^¶]{{0,100}}\b{_METHOD}\b", re.I)
_TITLE_THE = re.compile(rf"(?:Introducing |Presenting )?(?:The|the) (?P<names>{_LONG}{_PAREN}?) {_KIND}{_END}", re.I)
_EVIDENCE = re.compile(
    rf"{_PAREN}?(?:,? (?:is|provides|offers|serves as|,)|, | ?[–—:] ?) ?{_PHRASE}|(?:'s)? {_KIND}{_END}|{_PAREN}?,? (?:comprises|contains|consists of|includes|features|covers|spans"
    r"|encompasses|comprising|containing|consisting of|covering|spanning|provides|offers|is built on|is composed of) (?:[\w-]+ ){0,3}?(?:\d[\d,.]*[KMk]\b|\d{3,}|\d[\d,]{3,})\+? (?:[\w,-]+ ){0,4}?"
    r"(?:images|videos|questions|samples|tasks|examples|instances|pairs|clips|problems|scenes|prompts|items|hours|queries|documents|dialogues|conversations|annotat\w+|cases|triplets|QA)"
)
_ABBREVIATION = re.compile(r"\(([^()]{2,40})\)")
_KIND_HINTS = (
    "dataset", "data set", "data-set", "bench", "corpus", "corpora", "testbed", "test bed", "test-bed", "test suite", "test set",
    " suite ", " suites ", "leaderboard", "arena", "database", "treebank", "collection", "challenge set", "evaluation set",
)  # fmt: skip
_SENTENCE = re.compile(r"(?<=[\w)%\]][.!?]) (?=[\"'(]?[A-Z0-9τ])|(?<=¶) ")

_NO_NAMES = (
    "a an the this that these those our we it here there its their his in on at for of to and or with from by as if"
    " when while first second third finally moreover however furthermore additionally also both each all many most"
    " more some such new novel large small dataset datasets data set benchmark benchmarks corpus corpora bench testbed"
    " suite leaderboard arena database challenge evaluation test task tasks framework model models method methods"
    " approach system code paper work results baseline baselines metric metrics llm llms mllm mllms lmm lmms vlm vlms"
    " lvlm lvlms vla vlas ai nlp cv rl qa vqa gpt gpt-4 gpt-4o bert clip gan gans ner mt asr tts ocr kg kgs rag cot"
    " rlhf sft dpo grpo ppo nlg nlu nli ir ie re el sql text image images video videos audio speech vision language 2d"
    " 3d 4d 6d 6dof 360 rgb rgb-d rgbd lidar mri ct cxr eeg ecg emg fmri hdr ehr ehrs pet wsi imu gps uav uavs us uk"
    " eu un usa ui gui api apis text-to-sql text-to-image text-to-video image-to-text python java english chinese"
    " german french spanish arabic hindi japanese korean russian multi-modal multi-task multi-turn multi-agent"
    " multi-view multi-hop multi-domain multi-label multi-lingual multi-choice large-scale real-world open-domain open-world"
    " open-source open-vocabulary cross-lingual cross-domain cross-modal question-answering long-context high-quality"
    " high-resolution fine-grained human-annotated self-supervised zero-shot few-shot end-to-end publicly public web"
    " wikipedia twitter reddit tiktok linkedin stackoverflow chatgpt javascript minecraft youtube github huggingface"
    " arxiv pubmed google microsoft amazon openai stanford physics math medical legal clinical financial synthetic"
    " multilingual multimodal embodied semantic visual natural social human machine deep neural reinforcement stem mcq"
    " mcqs iot xr vr ar bev slam nerf 3dgs 3d-aware ood id iid pii dna rna ml dl ad ads cad sar hsi qa-pairs ir-based"
    " covid-19 covid cvpr iccv eccv neurips icml iclr acl emnlp naacl semeval hugging face"
)
_GENERIC = frozenset(_NO_NAMES.split())  # words, fields, languages, sites and venues that are no data sets
_BESIDES = frozenset({"code", "data", "model", "models", "weights", "tools", "scripts", "baselines", "checkpoints"})
_NO_NAME = re.compile(
    r"\d[\d.,]*(?:K|M|B|k|x|%|D|th|st|nd|rd|s|-[a-z]+)?$|(?i:rgb-.*)$|(?:i|ii|iii|iv|v|e\.g|i\.e)$|.*-(?:based|level|style|driven|generated|annotated|oriented|aware|like|specific|labeled|wide|related|centric|only|free)$"
)


def announced(title: str, abstract: str) -> list[str]:
    """The names of data sets, benchmarks and corpora that the paper itself presents as new, in order of appearance."""
    return list(dict.fromkeys(name for _, name in _announcements(_joined(title, abstract))))


def _announcements(text: str) -> list[tuple[int, str]]:
    """Where an announced name is presented, and the name; each name once, in order."""
    folded = text.casefold()
    if not any(hint in folded for hint in _KIND_HINTS):
        return []
    found: dict[str, tuple[int, str]] = {}
    for start, name in _announced_phrases(text):
        key = name.casefold()
        if key not in found or start < found[key][0]:
            found[key] = (start, name)
    spelled_out = set()  # "Long Name" where the text says "Long Name (LN)" and announces LN too
    for _, name in found.values():
        at = text.find(f"{name} (") if " " in name else -1
        short = _ABBREVIATION.match(text, at + len(name) + 1) if at >= 0 else None
        if short and short[1].casefold() in found:
            spelled_out.add(name)
    return sorted((start, name) for start, name in found.values() if name not in spelled_out)


def _announced_phrases(text: str) -> Iterator[tuple[int, str]]:
    title_end = text.find(_TITLE_END)
    yield from _in_title(text, title_end)
    for match in _OURS.finditer(text):
        for group in ("names", "short", "next", "innovation", "resulting", "proposed"):
            yield from _names(match, group, strict=True)
    for match in _NEW_KIND.finditer(text):
        yield from _names(match, "called" if match["called"] else "names", strict=not match["called"])
    for match in _IS_NEW.finditer(text):
        if not _PART_OF_NAME.search(text[max(0, match.start() - 30) : match.start()]):
            yield from _names(match, "names", strict=True)
    start = title_end + 1
    for cut in _SENTENCE.finditer(text, start):
        yield from _in_sentence(text, start, cut.start())
        start = cut.end()
    yield from _in_sentence(text, start, len(text))


def _in_title(text: str, end: int) -> Iterator[tuple[int, str]]:
    start = _INTRODUCING.match(text)
    offset = start.end() if start else 0
    head = _TITLE_NAME.match(text, offset, end)
    if head and not _SURVEY.search(text, head.end(), end):
        several = " and " in head["names"]
        is_kind = _TITLE_KIND.match(text, head.end()) and not (several and _AND_METHOD.search(text, head.end(), end))
        for at, name in _names(head, "names", strict=several):
            telling = name in text[end:] if " " in name else _is_name(name, strict=True) or name in text[end:]
            if (telling and (is_kind or _BENCH.match(name))) or _has_evidence(text, name, end):
                yield at, name
    elif the := _TITLE_THE.match(text, 0, end):
        yield from _names(the, "names", strict=False)


def _in_sentence(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    after = 0
    for verb in _ANNOUNCES.finditer(text, start, end):
        after = after or verb.end()
        at = verb.end()
        for form in _FORMS:
            if found := list(form(text, at, end)):
                yield from found
                break
    if after:
        for match in _AND_ALSO.finditer(text, after, end):
            yield from _names(match, "names", strict=False)


def _named_first(text: str, at: int, end: int) -> Iterator[tuple[int, str]]:
    if match := _NAMED_FIRST.match(text, at, end):
        yield from _names(match, "names", strict=False)


def _name_kind(text: str, at: int, end: int) -> Iterator[tuple[int, str]]:
    if match := _THE_NAME_KIND.match(text, at, end):
        short = _SHORT_AFTER.match(text, match.end(), end)
        if short and _are_initials(short[1], text[match.start("names") : short.start(1)]):
            yield from _names(short, 1, strict=True)  # "the Cold Floe Benchmark of Ice (CFBI)"
        else:
            yield from _names(match, "names", strict=not match["the"])
    elif match := _A_NAME_KIND.match(text, at, end):
        yield from _names(match, "names", strict=True)


def _kind_called(text: str, at: int, end: int) -> Iterator[tuple[int, str]]:
    if (match := _KIND_FIRST.match(text, at, end)) and not _OTHER_THING.search(match["between"]):
        yield from _names(match, "called", strict=False)


def _kind_next(text: str, at: int, end: int) -> Iterator[tuple[int, str]]:
    if match := _KIND_NEXT.match(text, at, end) or _KIND_PLAIN.match(text, at, end):
        yield from _names(match, "names", strict=True)


def _kind_abbreviated(text: str, at: int, end: int) -> Iterator[tuple[int, str]]:
    match = _KIND_ABBREVIATED.match(text, at, end)
    if match and _abbreviates(match["names"], match["long"], match["tail"]):
        yield from _names(match, "names", strict=True)


def _name_abbreviated(text: str, at: int, end: int) -> Iterator[tuple[int, str]]:
    match = _LONG_ABBREVIATED.match(text, at, end)
    if match and (_ENDS_IN_KIND.search(match["long"]) or _EVIDENCE.match(text, match.end())):
        yield from _names(match, "names", strict=True)


def _bare_name(text: str, at: int, end: int) -> Iterator[tuple[int, str]]:
    if match := _BENCH_AT.match(text, at, end):
        for where, name in _names(match, "names", strict=True):
            if _BENCH.match(name) or _has_evidence(text, name, match.end()):
                yield where, name


_FORMS = (_named_first, _name_kind, _kind_called, _kind_next, _kind_abbreviated, _name_abbreviated, _bare_name)


def _abbreviates(short: str, long: str, tail: str) -> bool:
    """Whether the capitals of `short` begin words of `long`, in order, and not of its `tail` alone: "a corpus for
    cognitive behavioural therapy (CBT)" is no corpus of that name."""
    return _are_initials(short, long) and not _are_initials(short, tail)


def _are_initials(short: str, long: str) -> bool:
    initials = iter(word[0].casefold() for word in _WORD_GAP.split(long) if word)
    return all(c.casefold() in initials for c in short if c.isupper())


def _has_evidence(text: str, name: str, start: int) -> bool:
    """Whether the text from `start` on says that the name is a data set."""
    at, tries = text.find(name, start), 0
    while at >= 0 and tries < 20:
        end = at + len(name)
        if not text[at - 1 : at].isalnum() and _EVIDENCE.match(text, end):
            return True
        at, tries = text.find(name, end), tries + 1
    return False


_SPLIT_NAMES = re.compile(
    rf"{_PAREN}|,? (?:and|or|&|as well as|together with|along with|alongside) (?:the |our |its )?|, (?:the |our )?"
)


_ARTICLES = re.compile(r"^(?:(?:the|our|an?|and|or|both|including|dubbed|called|named|it|as) ){1,2}", re.I)
_WORD_GAP = re.compile(r"[\s-]+")
_HEAD = re.compile(r"(\S+) (?:of|for|in|on|to) ")
_KIND_TAIL = re.compile(rf" {_KIND}$")


def _names(match: re.Match[str], group: str | int, *, strict: bool) -> Iterator[tuple[int, str]]:
    """The names in a group of the match: those of a list one by one, of "Long Name (LN)" the short one."""
    listed, base = match[group], match.start(group)
    if not listed:
        return
    at = 0
    pieces: list[tuple[int, str]] = []
    for cut in (*_SPLIT_NAMES.finditer(listed), None):
        piece = listed[at : cut.start() if cut else len(listed)]
        short = _ABBREVIATION.search(cut[0]) if cut else None
        if short and cut and " " in piece.strip() and _is_name(short[1], strict=True):
            if not _are_initials(short[1], piece) and _are_initials(short[1], listed[: cut.start()]):
                pieces.clear()  # "Cold and Ice Set (CIS)" is one name
            pieces.append((base + cut.start() + short.start(1), short[1]))
        elif piece.strip():
            pieces.append((base + at, piece))
        if cut:
            at = cut.end()
    if any(piece.strip().casefold() in _BESIDES for _, piece in pieces):
        return  # "we release X, code, and a benchmark"
    for where, piece in pieces:
        name = _trimmed(piece)
        if _is_name(name, strict=strict):
            yield where + piece.find(name), name


def _trimmed(piece: str) -> str:
    """The name without "The ... Dataset" around it."""
    name = _ARTICLES.sub("", piece.strip(" .,:;'-"))
    head = _HEAD.match(name)
    if head and _is_marked(head[1]):
        return head[1]  # "PHAV for Procedural Human Action Videos"
    return _KIND_TAIL.sub("", name)


def _is_name(name: str, *, strict: bool) -> bool:
    """Whether a text of 2 to 40 characters looks like the name of a thing; `strict` asks for more than a capital."""
    if not 2 <= len(name) <= 40 or name.casefold() in _GENERIC or _NO_NAME.match(name):
        return False
    words = name.split()
    if all(part.casefold() in _GENERIC for word in words for part in word.split("-") if part):
        return False
    if words[0].islower() and words[0].replace("-", "").isalpha():
        return False
    if any(_is_marked(word) and word.casefold() not in _GENERIC for word in words):
        return True
    if strict:
        return len(words) > 1 and all(word[0].isupper() and word.casefold() not in _GENERIC for word in words)
    return name[0].isupper() and len(name) > 3


def _is_marked(word: str) -> bool:
    """A word with two capitals, a capital inside, or letters beside digits."""
    parts = [part for part in word.split("-") if part]
    capitals = sum(c.isupper() for c in word)
    return (
        any(c.isupper() for part in parts for c in part[1:])
        or (any(c.isdigit() for c in word) and any(c.isalpha() for c in word) and (capitals > 0 or "-" not in word))
        or (len(parts) > 1 and capitals > 0 and parts[-1].casefold().startswith(("bench", "eval", "qa")))
    )
