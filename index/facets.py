"""Which data sets papers use and announce: every text that is new or changed is read. Safe to interrupt and to repeat.

What a paper announces counts in all others too, so papers are first read each on its own; then the names that are new
are looked for in those that were read before; then the papers of this time are read for all announced names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from data import facets
from data.datasets import DatasetNames, DatasetUse
from data.facets import Reading, Text, is_ambiguous
from data.reader import Reader
from data.seeds import KnownDataset, known_datasets
from data.store import Store

BATCH = 2000
"""Papers that are read between two commits: the most that an interruption can lose."""

MOST_MENTIONS = 5000
"""Papers read before that are looked through for one new name at most, the latest ones."""

_WORD = re.compile(r"[^\W_]+")
_KIND = r"(?:data ?set|benchmark|corpus|challenge|leaderboard|test ?set|test suite|database)"
_OF_A_DATASET = re.compile(r"[Bb]ench|BENCH|Eval|QA\b|[Cc]orpus|[Dd]ata ?[Ss]et")
"""Names that say themselves what they are."""

_GENERAL = re.compile(
    r"(?:multi|cross|zero|few|self|semi|non|pre|post|inter|intra|open|long|short|high|low|large|small|fine|real|single"
    r"|dual|two|three|end|full|weak|stage|phase|task|level|part|track|type|step|set)[- ](?:\w?[a-z]+|\d+|[A-Z])$",
    re.I,
)
_FEWEST_LETTERS = 4
"""Letters of a name that may be shorter than those of most fields, formats and variables."""


def read_facets(
    store: Store, reader: Reader, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Read papers whose text is new or changed, or all when the shipped names or the rules are new; returns how many
    papers were read. `progress` is called with (readings done, readings to do), two to a paper. Raises StoreError."""
    full, own = facets.basis(), facets.own_basis()
    waiting = facets.waiting(reader, full, own)
    known = facets.read_on(reader, own)
    if not waiting and not known:
        return 0
    total = 2 * len(waiting) + len(known)
    progress(0, total)
    if waiting:
        shipped = _shipped_names()
        for done, ids in _batches(waiting):
            rows = [_reading(text, shipped.uses(text.title, text.abstract)) for text in facets.texts(reader, ids)]
            facets.put_facets(store, own, rows)
            progress(done, total)
    _look_for_new_names(store, reader)
    vocabulary = Vocabulary(facets.announced_names(reader))
    half_read = facets.read_on(reader, own)
    for done, ids in _batches(list(half_read)):
        before = facets.facets_of(reader, ids)
        rows = []
        for text in facets.texts(reader, ids):
            if half_read[text.paper_id] == text.text_hash:
                of_its_own = before.get(text.paper_id, [])
                others = [DatasetUse(name, introduces=False) for name in vocabulary.named(text, of_its_own)]
                rows.append(_reading(text, [*of_its_own, *others]))
        facets.put_facets(store, full, rows)
        progress(total - len(half_read) + done, total)
    facets.forget_unannounced(store)
    return len(half_read)


def _reading(text: Text, uses: Sequence[DatasetUse]) -> Reading:
    return Reading(paper_id=text.paper_id, text_hash=text.text_hash, uses=uses)


def _batches(paper_ids: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    """(how many papers there are up to the end of the batch, its papers)"""
    for start in range(0, len(paper_ids), BATCH):
        ids = paper_ids[start : start + BATCH]
        yield start + len(ids), ids


def _look_for_new_names(store: Store, reader: Reader) -> None:
    """Find the names that papers newly announce in papers that were read completely before."""
    names = facets.unseen_names(reader) if facets.any_read_on(reader, facets.basis()) else []
    if not names:
        return
    vocabulary = Vocabulary(facets.announced_names(reader))
    mentioning = {i for name in names for i in facets.mentioning(reader, name, MOST_MENTIONS)}
    for _, ids in _batches(facets.of_those_read_on(reader, facets.basis(), mentioning)):
        before = facets.facets_of(reader, ids)
        found = [
            (text.paper_id, text.text_hash, vocabulary.named(text, before.get(text.paper_id, ())))
            for text in facets.texts(reader, ids)
        ]
        facets.add_uses(store, found)


class Vocabulary:
    """Names that papers announced, to be found in the texts of others: in exact case, and beside words that show them to
    be data sets, unless the name says so itself."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_word: dict[str, list[str]] = {}
        for name in names:
            if word := _WORD.search(name):
                self._by_word.setdefault(word[0], []).append(name)

    def named(self, text: Text, known: Collection[DatasetUse]) -> list[str]:
        """The names in a text that the paper does not announce itself; `known` are the data sets it is known to name."""
        whole = " ".join(f"{text.title} {text.abstract}".split())
        announced = {use.name for use in known if use.introduces}
        words = self._by_word.keys() & set(_WORD.findall(whole))
        names = {name for word in words for name in self._by_word[word] if name in whole and name not in announced}
        if not names:
            return []
        matcher = _matcher(tuple(sorted(names)), tuple(sorted({use.name for use in known} & _shipped().keys())))
        uses = matcher.uses(text.title, text.abstract)
        return [u.name for u in uses if not u.introduces and u.name in names and _holds(u.name, whole)]


@lru_cache(maxsize=1)
def _shipped() -> dict[str, KnownDataset]:
    return {row.name: row for row in known_datasets()}


@lru_cache(maxsize=1)
def _shipped_names() -> DatasetNames:
    return DatasetNames.shipped()


@lru_cache(maxsize=4096)
def _matcher(names: tuple[str, ...], beside: tuple[str, ...]) -> DatasetNames:
    """Matches announced names, with well-known ones `beside` which a name is listed. Compiling all names at once takes
    seconds, those that a text has in it takes less than reading it."""
    well_known = [_shipped()[name] for name in beside]
    return DatasetNames.of(
        dict.fromkeys(names, ()) | {row.name: row.aliases for row in well_known},
        needs_context=[
            *(name for name in names if not _OF_A_DATASET.search(name)),
            *(text for row in well_known for text in row.needs_context),
        ],
    )


def _holds(name: str, text: str) -> bool:
    """Whether a name of which there is reason to doubt is clearly a data set's: a plain word, what begins like an
    adjective, or a short name (SR, P2P), only in words such as "the Meadow dataset"."""
    letters = sum(map(str.isalpha, name))
    word = is_ambiguous(name) and " " not in name and not name.isupper()
    if not (word or letters < _FEWEST_LETTERS or _GENERAL.match(name)):
        return True
    return bool(re.search(rf"\b[Tt]he {re.escape(name)} {_KIND}\b", text))
