"""Search: words and meaning, in one score. Filters hold exactly; what is left out was not asked for.

NumPy and the encoders are imported when something is looked for by meaning: a search by words starts without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING, Literal

from data.errors import UsageError, VectorIndexError
from data.fulltext import words_of
from data.papers import Filter
from data.reader import Reader
from index.asked import Asked, read

if TYPE_CHECKING:
    from index.encoders import Encoder, Vectors
    from index.rerank import Reranker
    from index.vectors import VectorIndex

Mode = Literal["hybrid", "semantic", "keyword"]

RRF_K = 60
"""The constant of reciprocal rank fusion: Cormack, Clarke, Büttcher, SIGIR 2009, https://doi.org/10.1145/1571941.1572114.
Search was fused like that before; it is the baseline now."""

BM25_WEIGHT = 0.20
COSINE_WEIGHT = 0.43
WORDS_WEIGHT = 0.17
PAIRS_WEIGHT = 0.20
"""What a paper's score is made of: BM25 as a share of the best there is, the cosine, and the shares of the query's telling
words and pairs of words that the paper has (`index.closeness`). They add up to 1. Fitted on 353 queries (conditional
logistic regression, docs/quality.md) and rounded."""

CANDIDATES = 100
"""How deep each list is read before fusing; deeper when more hits are asked for."""

RERANKED = 30
"""How many of the best papers a re-ranker reads again."""

AWAY_WEIGHT = 0.5
"""How much of the unwanted text's vector is taken from the query's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One paper found. `score` orders hits of one search, higher is better:

    semantic: the cosine to what was asked; keyword: BM25; hybrid: a weighted sum (BM25_WEIGHT and the others), 1 at most.
    `cosine` is None for a paper without a vector (or in keyword mode),
    `keyword_rank` counts from 1 and is None for a paper that the words do not find (among the candidates).
    """

    paper_id: int
    score: float
    cosine: float | None
    keyword_rank: int | None


@dataclass(frozen=True, slots=True)
class _Target:
    """What is looked for by meaning: `vector`, away from `unlike`; `plain` is the vector before it was pushed away."""

    vector: Vectors
    plain: Vectors
    unlike: Vectors | None


class _Aside:
    """Work in a thread of its own, while the caller does other things within `with`; its end waits for the work's, so
    that no store is closed under it. `result`, asked for afterwards, raises what the work raised.

    SQLite and the encoder both leave the interpreter to others while they count, so that the two lists of a search take
    little more than the longer one. (`concurrent.futures` takes longer to import than is gained.)
    """

    def __init__(self, work: Callable[..., list[Hit]], *arguments: object) -> None:
        self._outcome: list[Hit] | BaseException = []
        self._thread = Thread(target=self._run, args=(work, arguments), daemon=True)

    def __enter__(self) -> _Aside:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _run(self, work: Callable[..., list[Hit]], arguments: tuple[object, ...]) -> None:
        try:
            self._outcome = work(*arguments)
        except BaseException as exc:
            self._outcome = exc

    def result(self) -> list[Hit]:
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome


class Searcher:
    """Searches one store. `encoder` is called, and the model read, only when a text has to be embedded."""

    def __init__(
        self,
        reader: Reader,
        encoder: Callable[[], Encoder],
        index: VectorIndex | None,
        *,
        multilingual: bool = False,
        reranker: Callable[[], Reranker] | None = None,
    ) -> None:
        """`index` is None when there is no fresh one: see `falls_back`. A model that is not `multilingual` is not asked
        about other scripts than the Latin one. `reranker` reads the best papers of a text again."""
        self._reader = reader
        self._encoder = encoder
        self._index = index
        self._multilingual = multilingual
        self._reranker = reranker

    @property
    def words_only(self) -> bool:
        """Whether there is no index, so that a search can go by words alone."""
        return self._index is None

    def falls_back(self, mode: Mode) -> bool:
        """Whether a hybrid search would go by words alone, for want of an index. Callers should say so."""
        return mode == "hybrid" and self._index is None

    def note(self, query: str, mode: Mode) -> str:
        """What a search of this query cannot do as asked, for people; "" when it can."""
        asked = read(self._reader, query, Filter())
        notes = []
        if asked.only:
            return "" if asked.named else "no paper of the store has this id"
        if asked.relaxed:
            phrases = ", ".join(f'"{p[:80]}"' for p in asked.relaxed)
            notes.append(f"no paper has {phrases} word for word: searched for the words")
        if self.falls_back(mode):
            notes.append("no current index: searched by words alone (run 'frontier sync')")
        elif mode != "keyword" and asked.text and not self._understands(asked.text):
            notes.append("the model knows no such script: searched by words alone ([embedding] multilingual)")
        return "; ".join(notes)

    def search(
        self,
        query: str,
        *,
        mode: Mode = "hybrid",
        where: Filter | None = None,
        k: int = 20,
        like: Sequence[int] = (),
        unlike: str = "",
        less: Sequence[int] = (),
    ) -> list[Hit]:
        """The best `k` papers that `where` and the query's own conditions let pass, best first (`data.terms`, `index.asked`).

        A paper that the query names by id, URL or whole title comes first. A query of conditions alone lists what they let
        pass, latest first, with a score of 0. `like` are papers whose mean vector is looked for, together with the query
        when there is one (both count the same); they are not among the hits. `unlike` is a text to stay away from:
        AWAY_WEIGHT of its vector is taken from the query's, and papers whose vector is nearer to it than to the query are
        left out. `less` are papers to stay away from: their mean vector is taken away likewise, but they alone are left out
        (any paper on a subject is nearer to another one on it than to a short query). Cosines are to the vector that results.

        Raises UsageError when there is nothing to look for, or for `like`, `unlike` and `less` in keyword mode (they work by
        meaning); VectorIndexError when vectors are needed and there are none; ModelError.
        """
        query, unlike = query.strip(), unlike.strip()
        if not query and not like:
            raise UsageError("nothing to search for", mend="give a text, or --like ID")
        if mode == "keyword" and (like or unlike or less):
            raise UsageError("--like and --not go by meaning", mend="leave out --mode keyword")
        if k <= 0:
            return []
        asked = read(self._reader, query, where or Filter())
        if not asked.only:
            if self._reranker is None or not asked.text:
                found = self._found(asked, mode, k, like, unlike, less)
            else:
                found = self._found(asked, mode, max(k, RERANKED), like, unlike, less)
                found = reranked(found, asked.text, self._reader, self._reranker())
        else:
            found = []
        return _with_named(found, [i for i in asked.named if i not in like and i not in less])[:k]

    def _found(
        self, asked: Asked, mode: Mode, k: int, like: Sequence[int], unlike: str, less: Sequence[int]
    ) -> list[Hit]:
        index, text, without = self._index, asked.text, {*like, *less}
        if not text and not like:
            return [_listed(i) for i in self._reader.newest(asked.where, k)]
        meant = text if text and (mode == "keyword" or self._understands(text)) else ""
        if mode == "keyword" or (index is None and mode == "hybrid" and text) or not (meant or like):
            return self._by_words(text, asked.where, k, without)
        if index is None:
            raise VectorIndexError("there is no current vector index", mend="run 'frontier sync'")
        depth = k if mode == "semantic" else max(k, CANDIDATES)
        aside = _Aside(self._by_words, text, asked.where, depth, without) if text and mode == "hybrid" else None
        with aside or nullcontext() as words:
            target = self._target(index, meant, like, unlike, less)
            by_meaning = self._by_meaning(index, target, asked.where, depth, without)
        if words is None:
            return [Hit(paper_id=i, score=c, cosine=c, keyword_rank=None) for i, c in by_meaning.items()][:k]
        by_words = words.result()
        found = [h.paper_id for h in by_words]
        cosines = by_meaning | _cosines(index, target, [i for i in found if i not in by_meaning])
        if target.unlike is not None:
            dropped = set(found).difference(cosines).intersection(index.reconstruct(found)[0])
            by_words = [h for h in by_words if h.paper_id not in dropped]
        candidates = list(dict.fromkeys([*(h.paper_id for h in by_words), *by_meaning]))
        return fused(by_words, cosines, self._closeness(text, candidates))[:k]

    def _closeness(self, text: str, paper_ids: Sequence[int]) -> dict[int, tuple[float, float]]:
        """`Wanted.closeness` of papers."""
        from index.closeness import Wanted

        wanted = Wanted(text, *self._reader.word_counts(words_of(text)))
        return {
            p.id: wanted.closeness(p.title, p.abstract or p.note, p.keywords) for p in self._reader.papers(paper_ids)
        }

    def _by_words(self, text: str, where: Filter, depth: int, without: set[int]) -> list[Hit]:
        found = self._reader.fulltext(text, where, depth + len(without))
        ranked = enumerate(((i, score) for i, score in found if i not in without), 1)
        return [Hit(paper_id=i, score=score, cosine=None, keyword_rank=rank) for rank, (i, score) in ranked][:depth]

    def _understands(self, text: str) -> bool:
        if self._multilingual or text.isascii():
            return True
        from data.text import is_latin  # slow to import

        return is_latin(text)

    def nearest(self, text: str, k: int) -> list[int]:
        """The papers nearest to a text by meaning alone, the text taken as it is. For comparison with what `search` finds."""
        if self._index is None:
            return []
        return self._index.search(self._encoder().encode([text])[0], k)[0]

    def neighbours(self, paper_id: int, k: int) -> list[Hit]:
        """The `k` papers nearest to a paper, itself left out; none when it has no vector yet or there is no index."""
        if self._index is None:
            return []
        known, vectors = self._index.reconstruct([paper_id])
        if not known:
            return []
        ids, scores = self._index.search(vectors[0], k + 1)
        hits = [
            Hit(paper_id=i, score=c, cosine=c, keyword_rank=None)
            for i, c in zip(ids, scores, strict=True)
            if i != paper_id
        ]
        return hits[:k]

    def _target(self, index: VectorIndex, query: str, like: Sequence[int], unlike: str, less: Sequence[int]) -> _Target:
        import numpy as np

        from index.encoders import unit

        parts: list[Vectors] = []
        texts = [t for t in (query, unlike) if t]
        encoded = self._encoder().encode(texts) if texts else np.zeros((0, index.dim), np.float32)
        if query:
            parts.append(encoded[0])
        if like:
            known, vectors = index.reconstruct(list(dict.fromkeys(like)))
            if known:
                parts.append(unit(vectors.mean(axis=0)))
            elif not query:
                raise VectorIndexError("the papers given with --like have no vectors yet", mend="run 'frontier sync'")
        plain = unit(np.mean(parts, axis=0))
        away = [encoded[-1]] if unlike else []
        if less and len(vectors := index.reconstruct(list(dict.fromkeys(less)))[1]):
            away.append(unit(vectors.mean(axis=0)))
        vector = unit(plain - AWAY_WEIGHT * unit(np.mean(away, axis=0))) if away else plain
        return _Target(vector, plain, encoded[-1] if unlike else None)

    def _by_meaning(
        self, index: VectorIndex, target: _Target, where: Filter, depth: int, without: set[int]
    ) -> dict[int, float]:
        """The `depth` nearest papers with their cosines, nearest first, without those nearer to what is unwanted."""
        allowed = None if where.empty else self._reader.matching(where)
        out: dict[int, float] = {}
        ask = depth + len(without)
        while True:
            ids, scores = index.search(target.vector, ask, allowed)
            wanted = [(i, c) for i, c in zip(ids, scores, strict=True) if i not in without]
            kept = set(_cosines(index, target, [i for i, _ in wanted])) if target.unlike is not None else None
            out = {i: c for i, c in wanted if kept is None or i in kept}
            if len(out) >= depth or len(ids) < ask:
                return dict(list(out.items())[:depth])
            ask *= 4  # so many were dropped that there is room: look further


def _cosines(index: VectorIndex, target: _Target, paper_ids: Sequence[int]) -> dict[int, float]:
    """Cosine to the target of those papers that have a vector and are not nearer to what is unwanted."""
    import numpy as np

    known, vectors = index.reconstruct(paper_ids)
    cosines = vectors @ target.vector
    keep = np.ones(len(known), np.bool_)
    if target.unlike is not None:
        keep = vectors @ target.plain >= vectors @ target.unlike
    return {i: float(c) for i, c, kept in zip(known, cosines, keep, strict=True) if kept}


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[int]], weights: Sequence[float], *, constant: int = RRF_K
) -> dict[int, float]:
    """Sum over the rankings of weight / (constant + rank), rank from 1, for every id in any of them."""
    out: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, paper_id in enumerate(ranking, 1):
            out[paper_id] = out.get(paper_id, 0.0) + weight / (constant + rank)
    return out


def fused(
    by_words: Sequence[Hit], cosines: Mapping[int, float], closeness: Mapping[int, tuple[float, float]]
) -> list[Hit]:
    """The papers of `closeness` by their weighted sum, best first. A paper that is not `by_words` gets the least BM25 of
    those that are, one without a cosine the least cosine."""
    scores = {h.paper_id: h.score for h in by_words}
    best, least = max(scores.values(), default=0.0), min(scores.values(), default=0.0)
    far = min(cosines.values(), default=0.0)
    ranks = {h.paper_id: h.keyword_rank for h in by_words}
    hits = []
    for paper_id, (words, pairs) in closeness.items():
        bm25 = scores.get(paper_id, least) / best if best > 0 else 0.0
        score = BM25_WEIGHT * bm25 + COSINE_WEIGHT * cosines.get(paper_id, far)
        score += WORDS_WEIGHT * words + PAIRS_WEIGHT * pairs
        cosine = cosines.get(paper_id)
        hits.append(Hit(paper_id=paper_id, score=score, cosine=cosine, keyword_rank=ranks.get(paper_id)))
    return sorted(hits, key=lambda h: (-h.score, h.paper_id))


def _listed(paper_id: int) -> Hit:
    return Hit(paper_id=paper_id, score=0.0, cosine=None, keyword_rank=None)


def _with_named(found: Sequence[Hit], named: Sequence[int]) -> list[Hit]:
    """The named papers first, with the best score there is (1 where nothing else was found)."""
    best = max((h.score for h in found), default=1.0)
    known = {h.paper_id: h for h in found}
    first = [replace(known.get(i, _listed(i)), score=best) for i in named]
    return [*first, *(h for h in found if h.paper_id not in named)]


def reranked(found: Sequence[Hit], query: str, reader: Reader, reranker: Reranker) -> list[Hit]:
    """The hits with the best RERANKED in the order that the re-ranker gives. Their scores stay where they are: the first
    has the highest."""
    best, rest = found[:RERANKED], found[RERANKED:]
    texts = {i: text for i, _, text in reader.texts([h.paper_id for h in best])}
    again = dict(zip(texts, reranker.scores(query, list(texts.values())), strict=True))
    order = sorted(best, key=lambda h: -again.get(h.paper_id, float("-inf")))
    return [*(replace(h, score=b.score) for h, b in zip(order, best, strict=True)), *rest]
