"""What the user likes, interest by interest, over one store: who belongs to what, the models, and the chance of liking.

Models and features are kept under `personal/` in the home folder, each under the digest of what it was made from, so that
a click refits what it touched and nothing else. They are a cache: without it everything is made anew, from the store.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import vstack

from app.kept import Kept, digest_of, sparse_arrays, sparse_of
from data import watching
from data.errors import ModelError, UnknownArea
from data.library import entries
from data.papers import Filter
from index.encoders import model_name
from ranking import personal
from ranking.areas import expand, leaf_areas
from ranking.events import SEARCH_COSINE, passes
from ranking.features import FEATURES_VERSION
from ranking.interests import Interest, best_interest, improved, sorted_out
from ranking.personal import LEAST_LIKES, Background, Items, Taste

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from app.wiring import Frontier
    from data.library import Entry
    from data.reader import Reader
    from data.watching import Watch
    from index.encoders import Vectors

SAID = ("like", "dislike", "save")
"""What the user does that tells his taste; a save is a like, unless the paper was disliked."""

KEPT_WORDS = 20_000
"""Papers whose words are kept counted: a fortnight of days. 1 kB each."""

GROWTH = 1.2
"""The random papers are drawn anew when the store, or its vectors, grew by this factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """What the models say of some papers. `by_paper` has a chance per interest that has a model, and is empty while none
    has one; `fitting` are the interests that each paper fits, `interest` the one under which it is listed, `titles` what people
    call them; `area_scores` are zero-shot relevances corrected by likes."""

    by_paper: Mapping[int, Mapping[str, float]]
    fitting: Mapping[int, Collection[str]]
    interest: Mapping[int, str]
    titles: Mapping[str, str]
    area_scores: Mapping[int, Mapping[str, float]]

    def best(self) -> dict[int, float]:
        """The chance of each paper under its own interest."""
        return {i: of[self.interest[i]] for i, of in self.by_paper.items() if of and self.interest.get(i) in of}


class Personal:
    """The user's interests over one store. Opened beside a reader, which it does not close."""

    def __init__(self, frontier: Frontier, reader: Reader) -> None:
        self._frontier = frontier
        self._reader = reader
        self._model = model_name(frontier.config.embedding.model)
        self._kept = Kept(frontier.home.folder / "personal")

    # ---- interests

    @cached_property
    def said(self) -> dict[int, Entry]:
        """The word that counts of each paper: its like or dislike, else its save."""
        out = {}
        for paper_id, of in entries(self._reader, kinds=SAID).items():
            told = [e for e in of if e.kind != "save"] or of
            out[paper_id] = told[-1]
        return out

    @cached_property
    def interests(self) -> list[Interest]:
        """Every focus area, saved search and (if the configuration says so) tag, with the likes that fit it; REST last."""
        likes = [i for i, e in self.said.items() if e.kind != "dislike"]
        dislikes = [i for i, e in self.said.items() if e.kind == "dislike"]
        return sorted_out(self._titles, self.fitting(list(self.said)), likes, dislikes)

    @cached_property
    def _titles(self) -> dict[str, str]:
        areas = self._frontier.config.areas
        out = {f"area:{name}": areas[name].title or name for name in leaf_areas(areas)}
        out |= {f"search:{w.id}": w.value for w in self._searches}
        return out | {f"tag:{name.casefold()}": name for name in self._tags}

    @cached_property
    def _searches(self) -> list[Watch]:
        return [w for w in watching.watches(self._reader) if w.kind == "search"]

    @cached_property
    def _tags(self) -> dict[str, set[int]]:
        """Papers by tag, where tags are interests."""
        if not self._frontier.config.ranking.tag_interests:
            return {}
        out: dict[str, set[int]] = {}
        for paper_id, of in entries(self._reader, kinds=["tag"]).items():
            for entry in of:
                out.setdefault(entry.value, set()).add(paper_id)
        return out

    def fitting(self, paper_ids: Sequence[int]) -> dict[int, set[str]]:
        """The interests that papers fit: areas by their relevance, searches that find them, tags that they have."""
        out: dict[int, set[str]] = {i: set() for i in paper_ids}
        config = self._frontier.config
        scores = self._reader.area_scores(paper_ids)
        for paper_id, of in scores.items():
            out[paper_id] |= {f"area:{a}" for a, s in of.items() if s >= config.ranking.area_threshold}
        for watch in self._searches:
            for paper_id in self._found(watch, paper_ids, scores):
                out[paper_id].add(f"search:{watch.id}")
        for name, tagged in self._tags.items():
            for paper_id in tagged & out.keys():
                out[paper_id].add(f"tag:{name.casefold()}")
        return out

    def _found(self, watch: Watch, paper_ids: Sequence[int], scores: Mapping[int, Mapping[str, float]]) -> set[int]:
        """Those of the papers that a saved search finds, by words or by meaning, under its filters."""
        found = watching.with_all_words(self._reader, watch.value, paper_ids)
        query = self._query(watch.value)
        if query is not None:
            vectors = self._reader.vectors(self._model, paper_ids)
            near = (
                i
                for i, v in vectors.items()
                if len(v) == query.nbytes and np.frombuffer(v, "<f4") @ query >= SEARCH_COSINE
            )
            found |= set(near)
        if watch.where.empty:
            return found
        try:
            areas = [leaf for area in watch.where.areas for leaf in expand(self._frontier.config.areas, area)]
        except UnknownArea:  # the search rests, and so does its interest
            return set()
        where = replace(watch.where, areas=tuple(areas), area_threshold=self._frontier.config.ranking.area_threshold)
        papers = watching.watched_papers(self._reader, found)
        return {i for i in found if i in papers and passes(papers[i], where, scores.get(i, {}))}

    def _query(self, text: str) -> Any:
        """A search's vector, kept; None where the model cannot be used."""
        name, digest = f"query-{digest_of(text)}", digest_of(self._model, text)
        if (found := self._kept.load(name, digest)) is not None:
            return found["vector"]
        try:
            [vector] = self._frontier.encoder().encode([text])
        except ModelError:
            return None
        self._kept.save(name, digest, vector=vector)
        return vector

    # ---- models

    def tastes(self) -> dict[str, Taste]:
        """The models of the interests that have enough likes, by name; fitted where they are not kept."""
        wanted = [i for i in self.interests if len(i.likes) >= LEAST_LIKES]
        return {i.name: taste for i in wanted if (taste := self._taste(i)) is not None}

    def _taste(self, interest: Interest) -> Taste | None:
        ids = [*interest.likes, *interest.dislikes]
        times = [self.said[i].at for i in ids]
        half_life = self._frontier.config.ranking.feedback_half_life_days
        texts = [(i, h) for i, h, _ in self._reader.texts(ids)]
        digest = digest_of(
            personal.VERSION, self._drawn_on, ids, len(interest.likes), [t.isoformat() for t in times], half_life, texts,
            sorted(self._reader.vectors(self._model, ids)),
        )  # fmt: skip
        name = f"taste-{digest_of(interest.name)}"
        if (found := self._kept.load(name, digest)) is not None:
            return _taste_of(found, self.background)
        items = self.items(ids)
        weights = personal.recency(times, half_life)
        liked = np.isin(items.ids, interest.likes)
        taste = personal.fit(items.rows(liked), weights[liked], items.rows(~liked), weights[~liked], self.background)
        if taste is not None:
            self._kept.save(name, digest, **_kept_taste(taste))
        return taste

    def chances(self, paper_ids: Sequence[int]) -> Chances:
        """What the models say of papers."""
        tastes = self.tastes()
        scores = self._reader.area_scores(paper_ids)
        if not tastes or not paper_ids:
            return Chances(by_paper={}, fitting={}, interest={}, titles={}, area_scores=scores)
        items = self.items(paper_ids)
        ready = personal.weighed(items.words, self.background.rarity)
        told = {name: t.chances(items, ready) for name, t in tastes.items()}
        knowable = items.vectors.any(axis=1) | (np.diff(items.words.indptr) > 0)
        by_paper = {
            int(i): {name: float(c[n]) for name, c in told.items()} for n, i in enumerate(items.ids) if knowable[n]
        }
        fitting = self.fitting(paper_ids)
        own = self._own_areas()
        better = {
            i: {
                a: improved(s, by_paper[i][f"area:{a}"], tastes[f"area:{a}"].prior, tastes[f"area:{a}"].likes)
                if a in own and i in by_paper and f"area:{a}" in tastes
                else s
                for a, s in of.items()
            }
            for i, of in scores.items()
        }
        interest = {i: best_interest(of, fitting.get(i, ())) for i, of in by_paper.items()}
        titles = {name: self._titles.get(name, "") for name in tastes}
        return Chances(by_paper=by_paper, fitting=fitting, interest=interest, titles=titles, area_scores=better)

    def _own_areas(self) -> set[str]:
        """Areas that the user added: their relevance is zero-shot."""
        from data.seeds import defaults

        return set(leaf_areas(self._frontier.config.areas)) - set(defaults().get("areas", {}))

    # ---- features

    @cached_property
    def _drawn_on(self) -> str:
        """What the background was drawn from: the store's size, and how many of its papers have vectors, roughly."""
        count, (vectors, _) = self._reader.count(), self._reader.vector_state(self._model)
        steps = [int(math.log(max(1, n)) / math.log(GROWTH)) for n in (count, vectors)]
        return digest_of(self._model, FEATURES_VERSION, personal.VERSION, personal.RANDOM_PAPERS, steps)

    @cached_property
    def background(self) -> Background:
        """Random papers of the store."""
        found = self._kept.load("background", self._drawn_on)
        if found is not None:
            return Background.of(
                Items(ids=found["ids"], vectors=found["vectors"], words=sparse_of(found), venues=found["venues"])
            )
        every = np.array(self._reader.matching(Filter()), np.int64)
        ids = every[personal.drawn(every)].tolist()
        words = personal.words_of([text for _, _, text in self._reader.texts(ids)])
        items = self._joined(ids, words)
        self._kept.save(
            "background",
            self._drawn_on,
            ids=items.ids,
            vectors=items.vectors,
            venues=items.venues,
            **sparse_arrays(words),
        )
        return Background.of(items)

    def items(self, paper_ids: Sequence[int]) -> Items:
        """Papers as models see them, those that are not in the store left out; words are counted once and kept."""
        texts = {i: (h, text) for i, h, text in self._reader.texts(paper_ids)}
        ids = [i for i in paper_ids if i in texts]
        words = self._words([(i, *texts[i]) for i in ids])
        return self._joined(ids, words)

    def _joined(self, ids: Sequence[int], words: csr_matrix) -> Items:
        venues = self._reader.venues_of(ids)
        return Items(
            ids=np.array(ids, np.int64),
            vectors=self._vectors(ids),
            words=words,
            venues=np.array([venues.get(i, "") for i in ids], np.str_),
        )

    def _words(self, texts: Sequence[tuple[int, str, str]]) -> csr_matrix:
        """Words of (id, text hash, text), those that are kept not counted again."""
        digest = digest_of(FEATURES_VERSION)
        found = self._kept.load("words", digest)
        marks = found["marks"].tolist() if found else []
        known = {mark: n for n, mark in enumerate(marks)}
        wanted = [f"{i} {h}" for i, h, _ in texts]
        missing = [n for n, mark in enumerate(wanted) if mark not in known]
        new = personal.words_of([texts[n][2] for n in missing])
        words = vstack([sparse_of(found), new], format="csr") if found else new
        known |= {wanted[n]: len(marks) + at for at, n in enumerate(missing)}
        if missing:
            every = [*marks, *(wanted[n] for n in missing)]
            last = max(0, len(every) - KEPT_WORDS)
            self._kept.save("words", digest, marks=np.array(every[last:]), **sparse_arrays(words[last:]))
        return words[[known[mark] for mark in wanted]]

    def _vectors(self, paper_ids: Sequence[int]) -> Vectors:
        """Vectors of the model in force, rows of zeros where a paper has none (yet)."""
        dim = self._dim
        out = np.zeros((len(paper_ids), dim), np.float32)
        stored = self._reader.vectors(self._model, paper_ids)
        for n, paper_id in enumerate(paper_ids):
            if len(vector := stored.get(paper_id, b"")) == 4 * dim:
                out[n] = np.frombuffer(vector, "<f4")
        return out

    @cached_property
    def _dim(self) -> int:
        """The length of the model's vectors, 0 while there are none."""
        return next((len(v) // 4 for _, v in self._reader.vectors_since(self._model, 0) if v), 0)


def _kept_taste(taste: Taste) -> dict[str, Any]:
    return {
        "vector": taste.vector, "columns": taste.columns, "words": taste.words, "like_vectors": taste.like_vectors,
        "usual": taste.usual, "venues": np.array(list(taste.venues), np.str_), "means": np.array([*taste.venues.values()]),
        "numbers": np.array([taste.bias, taste.slope, taste.shift, taste.prior, taste.likes]),
        **sparse_arrays(taste.like_words),
    }  # fmt: skip


def _taste_of(found: Mapping[str, Any], background: Background) -> Taste:
    bias, slope, shift, prior, likes = found["numbers"].tolist()
    return Taste(
        vector=found["vector"], columns=found["columns"], words=found["words"], bias=bias, rare=background.rarity,
        like_vectors=found["like_vectors"], like_words=sparse_of(found), usual=found["usual"],
        venues=dict(zip(found["venues"].tolist(), found["means"].tolist(), strict=True)),
        slope=slope, shift=shift, prior=prior, likes=int(likes),
    )  # fmt: skip
