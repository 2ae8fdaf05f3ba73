"""How good a personal order is: what researchers wrote later, among all papers of those years. Pure functions.

Each user's earlier papers are likes, all candidates are ranked by the chance of liking, and what the user wrote later
should stand on top. Figures are means over users, with bootstrap intervals over users.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from ranking.evaluate import labelled_lines

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from index.encoders import Vectors

Step: TypeAlias = Callable[[str, int, int], None]
Scores: TypeAlias = NDArray[np.float32]
"""float32, shape (n_candidates,): higher is better."""

Ranker: TypeAlias = Callable[[NDArray[np.int64]], Scores]
"""Scores of all candidates out of a user's likes (rows of all papers)."""

MEASURES = ("ndcg_at_10", "ndcg_at_100", "recall_at_100", "auc")

RESAMPLES = 2000
"""Draws of a bootstrap."""

SANITY_WORDS = 20_000
SANITY_C = 0.01
"""arxiv-sanity-lite: its vocabulary and its classifier (https://github.com/karpathy/arxiv-sanity-lite, compute.py and
serve.py). Author names, which its texts hold too, are left out."""

SANITY_PAPERS = 1000
"""With fewer papers its limits on how many have a word would leave no word, and are not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedUser:
    """One line of the file, ids as written, each once. What is liked is not asked for later."""

    user: str
    liked: tuple[str, ...]
    later: tuple[str, ...]


def read_users(path: Path) -> tuple[list[FeedUser], list[str]]:
    """The users of a JSON-lines file, {"user": name, "liked": [ids], "later": [ids]} each, and the names of those that
    stand in it again (only the first line counts). Raises InputError with the line."""
    users: dict[str, FeedUser] = {}
    again: list[str] = []
    for where, line in labelled_lines(path):
        user = _user(line, where)
        if user.user in users:
            again.append(user.user)
        else:
            users[user.user] = user
    if not users:
        raise InputError(str(path), "holds no users", mend='each line is {"user": "...", "liked": [ID], "later": [ID]}')
    return list(users.values()), again


def _user(line: str, where: str) -> FeedUser:
    try:
        value = json.loads(line)
        name, liked, later = value["user"], value["liked"], value["later"]
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise InputError(
            where, "not a user", mend='each line is {"user": "...", "liked": ["ID"], "later": ["ID"]}'
        ) from exc
    for what, ids in (("liked", liked), ("later", later)):
        if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
            raise InputError(where, f'"{what}" should be a list of ids')
    known = dict.fromkeys(liked)
    return FeedUser(user=str(name), liked=tuple(known), later=tuple(i for i in dict.fromkeys(later) if i not in known))


# ---- measures --------------------------------------------------------------------------------------------------------


def measures(scores: Scores, relevant: NDArray[np.int64]) -> tuple[float, float, float, float]:
    """MEASURES of one order. `relevant` are the rows of the relevant candidates, at least one, each once.

    Equal scores stand in the order of the rows; for the area under the curve they count half.
    """
    order = np.argsort(-scores, kind="stable")
    place = np.empty(len(scores), np.int64)
    place[order] = np.arange(len(scores))
    places = np.sort(place[relevant])
    size = len(places)
    return (
        _ndcg(places, 10, size),
        _ndcg(places, 100, size),
        float(np.count_nonzero(places < 100)) / size,
        _auc(scores, relevant),
    )


def _ndcg(places: NDArray[np.int64], k: int, size: int) -> float:
    gains = 1 / np.log2(np.arange(2, k + 2))
    return float(gains[places[places < k]].sum() / gains[: min(k, size)].sum())


def _auc(scores: Scores, relevant: NDArray[np.int64]) -> float:
    """The chance that a relevant paper stands above another one (Mann and Whitney 1947); 0.5 where there is no other."""
    others = np.sort(np.delete(scores, relevant))
    if not len(others):
        return 0.5
    below = np.searchsorted(others, scores[relevant], "left") + np.searchsorted(others, scores[relevant], "right")
    return float(below.mean() / (2 * len(others)))


def interval(values: NDArray[np.float64], *, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean (Efron 1979), by percentiles."""
    chance = np.random.default_rng(seed)
    drawn = values[chance.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def figures(per_user: NDArray[np.float64]) -> dict[str, Any]:
    """Means of MEASURES and their `intervals`; `per_user` has shape (n_users, 4)."""
    means = dict(zip(MEASURES, map(float, per_user.mean(axis=0)), strict=True))
    return {**means, "intervals": {m: interval(per_user[:, n]) for n, m in enumerate(MEASURES)}}


# ---- the users' own order beside baselines ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedData:
    """Papers and what users liked of them. `vectors` has shape (n_papers, dim), rows of zeros where a paper has none;
    `candidates` are rows of papers, `likes` too; `relevant` are rows of the candidates."""

    ids: NDArray[np.int64]
    texts: Sequence[str]
    vectors: Vectors
    venues: Sequence[str]
    candidates: NDArray[np.int64]
    users: Sequence[str]
    likes: Sequence[NDArray[np.int64]]
    relevant: Sequence[NDArray[np.int64]]
    left_out: int

    @classmethod
    def of(
        cls,
        users: Sequence[FeedUser],
        rows: Mapping[str, int],
        *,
        ids: Sequence[int],
        texts: Sequence[str],
        years: Sequence[int],
        vectors: Vectors,
        venues: Sequence[str],
        since_year: int,
    ) -> FeedData:
        """`rows` says which paper an id of the file is; ids that it lacks are passed over. `ids`, `texts` (title on the
        first line), `years` (0: not known), `vectors` and `venues` are of all papers. Later papers that are older than
        `since_year` are no candidates and are not asked for; users of whom nothing is left are left out and counted."""
        candidates = np.flatnonzero(np.asarray(years) >= since_year)
        place = {int(row): n for n, row in enumerate(candidates)}
        names, likes, relevant = [], [], []
        for user in users:
            liked = sorted({rows[i] for i in user.liked if i in rows})
            wanted = sorted(
                {place[rows[i]] for i in user.later if i in rows and rows[i] in place} - {place.get(i) for i in liked}
            )
            if liked and wanted:
                names.append(user.user)
                likes.append(np.array(liked, np.int64))
                relevant.append(np.array(wanted, np.int64))
        return cls(
            ids=np.asarray(ids, np.int64),
            texts=texts,
            vectors=vectors,
            venues=venues,
            candidates=candidates,
            users=names,
            likes=likes,
            relevant=relevant,
            left_out=len(users) - len(names),
        )


def evaluate_feed(data: FeedData, *, step: Step = lambda what, done, total: None) -> dict[str, Any]:
    """MEASURES of the personal model with their 95 % `intervals`, `users`, `left_out`, `candidates`, and the same of each of
    the `baselines`. `step` hears what is being done, how far, and how much there is."""
    step("counting words for the arxiv-sanity recipe", 0, 0)
    sanity = sanity_features(data.texts)
    step("counting words", 0, 0)
    rankers: dict[str, Ranker] = {
        "personal": personal_ranker(data),
        "arxiv_sanity": sanity_ranker(sanity, data.candidates),
        "mean_similarity": similarity_ranker(data.vectors, data.candidates, "mean"),
        "max_similarity": similarity_ranker(data.vectors, data.candidates, "max"),
    }
    found = {name: np.zeros((len(data.users), len(MEASURES))) for name in rankers}
    for n, (liked, wanted) in enumerate(zip(data.likes, data.relevant, strict=True)):
        step("users", n, len(data.users))
        for name, ranker in rankers.items():
            found[name][n] = measures(ranker(liked), wanted)
    step("users", len(data.users), len(data.users))
    told = {name: figures(of) for name, of in found.items()}
    return {
        **told.pop("personal"),
        "users": len(data.users),
        "left_out": data.left_out,
        "candidates": len(data.candidates),
        "baselines": told,
    }


def personal_ranker(data: FeedData) -> Ranker:
    """The product's own model (`ranking.personal`): its random papers are drawn from all that there are. Of users with fewer
    likes than it asks for, it says nothing: all their scores are equal."""
    from ranking.personal import Background, Items, drawn, fit, weighed, words_of

    wanted = np.unique(np.concatenate([data.candidates, *data.likes, drawn(data.ids)]))
    place = np.full(len(data.ids), -1, np.int64)
    place[wanted] = np.arange(len(wanted))
    papers = Items(
        ids=data.ids[wanted],
        vectors=data.vectors[wanted],
        words=words_of([data.texts[n] for n in wanted]),
        venues=np.array([data.venues[n] for n in wanted], np.str_),
    )
    background = Background.of(papers.rows(place[drawn(data.ids)]))
    known = papers.rows(place[data.candidates])
    ready = weighed(known.words, background.rarity)
    none = papers.rows(np.zeros(0, np.int64))

    def ranker(liked: NDArray[np.int64]) -> Scores:
        taste = fit(papers.rows(place[liked]), np.ones(len(liked)), none, np.zeros(0), background)
        if taste is None:
            return np.zeros(len(known), np.float32)
        return np.asarray(taste.scores(known, ready), np.float32)

    return ranker


# ---- baselines -------------------------------------------------------------------------------------------------------


def similarity_ranker(vectors: Vectors, candidates: NDArray[np.int64], how: str) -> Ranker:
    """Mean or maximum (`how`: mean, max) cosine to the liked papers. `vectors` are unit rows of all papers, zero where a
    paper has none; likes and candidates are rows of them."""
    known = vectors[candidates]

    def ranker(liked: NDArray[np.int64]) -> Scores:
        near = known @ vectors[liked].T
        return np.asarray(near.mean(axis=1) if how == "mean" else near.max(axis=1), np.float32)

    return ranker


def sanity_features(texts: Sequence[str]) -> csr_matrix:
    """The tf-idf of arxiv-sanity-lite, learnt on the texts themselves; shape (n_texts, up to SANITY_WORDS)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        strip_accents="unicode",
        stop_words="english",
        token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",  # noqa: S106
        ngram_range=(1, 2),
        max_features=SANITY_WORDS,
        sublinear_tf=True,
        max_df=0.1 if len(texts) >= SANITY_PAPERS else 1.0,
        min_df=5 if len(texts) >= SANITY_PAPERS else 1,
        dtype=np.float32,
    ).fit_transform(texts)


SANITY_OTHERS = 10_000
"""Papers that the SVM of a user is fitted against, drawn at random: the recipe takes all, which takes minutes of 150 users
and, as both sides weigh the same, gives nearly the same plane."""


def sanity_ranker(features: csr_matrix, candidates: NDArray[np.int64]) -> Ranker:
    """A balanced linear SVM of the liked papers against others, as arxiv-sanity-lite fits one per tag. C is per paper, so
    it is raised as fewer others are taken."""
    from sklearn.svm import LinearSVC

    known = features[candidates]
    count = features.shape[0]
    others = np.sort(np.random.default_rng(0).permutation(count)[:SANITY_OTHERS])

    def ranker(liked: NDArray[np.int64]) -> Scores:
        rows = np.union1d(others, liked)
        model = LinearSVC(class_weight="balanced", C=SANITY_C * count / len(rows), random_state=0)
        model.fit(features[rows], np.isin(rows, liked))
        return np.asarray(model.decision_function(known), np.float32)

    return ranker
