"""Trends of the store: topics kept at each sync, and what `frontier trends` answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from app.evidence import matrix_of
from app.services import Services
from data.papers import Paper
from data.reader import Reader
from data.store import Store
from data.topics import (
    Dated,
    KeptTopic,
    dated,
    dated_papers,
    far_papers,
    put_paper_topics,
    put_topics,
    topics_of,
)
from index.encoders import Vectors
from ranking.areas import expand, leaf_areas, top_areas
from ranking.signals import worth
from ranking.topics import FAR, LEARNT_FROM, NEW_TOPIC, Topic, assign, outgrown, renewed, widened
from ranking.trends import FIRST_PAPERS, Trend, iso_name, monday, trends, weeks_between

READ_FOR_NAMES = 5000
"""Papers whose words give topics their names, spread evenly over all."""

AT_ONCE = 5000


# ---- topics, at a sync


def keep_topics(store: Store, reader: Reader, model: str, now: datetime) -> int:
    """Give papers of a known day their topics, and make new topics where they are needed; returns how many papers got one."""
    topics = [_topic(t) for t in topics_of(reader, model)]
    put = _assign(store, reader, model, topics, dated_papers(reader, model, only_new=True)) if topics else 0
    every = dated_papers(reader, model)
    if outgrown(len(every), topics):
        some = every[:: -(-len(every) // LEARNT_FROM)]
        read, texts = _read(reader, model, every)
        _, vectors = matrix_of(reader, model, some)
        made = renewed(vectors, read, texts, topics)
    elif topics and len(far := far_papers(reader, FAR)) >= NEW_TOPIC:
        ids, vectors = matrix_of(reader, model, far)
        _, texts = _read(reader, model, every)
        made = widened(vectors, _texts(reader, ids), texts, topics)
    else:
        return put
    if len(made) == len(topics) and all(t.id for t in made) and made == topics:
        return put
    born = {t.id: t.born_at for t in topics_of(reader, model)}
    put_topics(
        store,
        model,
        [
            KeptTopic(
                id=t.id,
                name=t.name,
                words=t.words,
                centroid=t.centroid.astype("<f4").tobytes(),
                learnt_from=t.learnt_from,
                born_at=born.get(t.id, now),
            )
            for t in made
        ],
    )
    return _assign(store, reader, model, [_topic(t) for t in topics_of(reader, model)], every)


def _topic(kept: KeptTopic) -> Topic:
    centroid = np.frombuffer(kept.centroid, "<f4").astype(np.float32)
    return Topic(id=kept.id, name=kept.name, words=kept.words, centroid=centroid, learnt_from=kept.learnt_from)


def _assign(store: Store, reader: Reader, model: str, topics: Sequence[Topic], ids: Sequence[int]) -> int:
    centroids = np.stack([t.centroid for t in topics])
    put = 0
    for start in range(0, len(ids), AT_ONCE):
        there, vectors = matrix_of(reader, model, ids[start : start + AT_ONCE])
        if not there or vectors.shape[1] != centroids.shape[1]:
            continue
        found = assign(vectors, centroids)
        rows = zip(there, found.topic.tolist(), found.cosine.tolist(), strict=True)
        put_paper_topics(store, [(i, topics[t].id, c) for i, t, c in rows])
        put += len(there)
    return put


def _read(reader: Reader, model: str, every: Sequence[int]) -> tuple[Vectors, list[tuple[str, str]]]:
    ids, vectors = matrix_of(reader, model, every[:: -(-len(every) // READ_FOR_NAMES)])
    return vectors, _texts(reader, ids)


def _texts(reader: Reader, ids: Sequence[int]) -> list[tuple[str, str]]:
    return [(p.title, p.abstract) for p in reader.papers(ids)]


# ---- what is rising


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicTrend:
    """A topic's trend, with its words and, where it rises, its first papers in these weeks."""

    id: int
    words: Sequence[str]
    trend: Trend
    first: Sequence[Paper]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """Weekly shares from `since` to `until`. `weeks` are their Mondays; `papers` how many papers each had (of `area`, where
    one was asked for); `areas` are shares of all papers, `topics` of those of `area`. `without_topic` papers have none yet."""

    since: date
    until: date
    area: str
    weeks: Sequence[date]
    papers: Sequence[int]
    areas: Sequence[Trend]
    topics: Sequence[TopicTrend]
    without_topic: int


def telling_topics(topics: Sequence[TopicTrend], steady: int) -> list[TopicTrend]:
    """All topics that change, and so many of those that do not, the largest."""
    moving = [
        t for t in topics if {t.trend.change.direction, t.trend.attention_change.direction} & {"rising", "falling"}
    ]
    rest = sorted((t for t in topics if t not in moving), key=lambda t: -sum(t.trend.papers))[:steady]
    return [t for t in topics if t in moving or t in rest]


def trends_of(services: Services, *, since: date, until: date, area: str = "") -> Trends:
    """The trends of the weeks from that of `since` to that of `until`, whole ISO weeks. Raises UnknownArea."""
    reader, config = services.reader, services.frontier.config
    weeks = weeks_between(since, until)
    first, last = weeks[0], date.fromordinal(weeks[-1].toordinal() + 6)
    rows = dated(reader, first, last)
    ids = [r.paper_id for r in rows]
    scores, heat = reader.area_scores(ids), _heat(reader, ids)
    threshold = config.ranking.area_threshold
    inside = {
        name: {i for i in ids if any(scores.get(i, {}).get(a, 0.0) >= threshold for a in expand(config.areas, name))}
        for name in dict.fromkeys((*top_areas(config.areas), *leaf_areas(config.areas), *([area] if area else [])))
    }
    place = {week: n for n, week in enumerate(weeks)}
    count = _Counted(rows, place, heat)
    judged = {i for i in ids if i in scores}
    of_areas = trends(
        {name: count.papers(members) for name, members in inside.items()},
        {name: count.heat(members) for name, members in inside.items()},
        count.papers(judged),
        count.heat(judged),
    )
    among = {r.paper_id for r in rows if r.topic is not None and (not area or r.paper_id in inside[area])}
    members: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        if row.topic is not None and row.paper_id in among:
            members[row.topic].add(row.paper_id)
    topics = {t.id: t for t in topics_of(reader, _model(services))}
    known = [t for t in topics if members.get(t)]
    of_topics = trends(
        {str(t): count.papers(members[t]) for t in known},
        {str(t): count.heat(members[t]) for t in known},
        count.papers(among),
        count.heat(among),
    )
    return Trends(
        since=first,
        until=last,
        area=area,
        weeks=weeks,
        papers=[int(n) for n in count.papers(inside[area] if area else set(ids)).tolist()],
        areas=of_areas,
        topics=_sorted(
            TopicTrend(
                id=t,
                words=topics[t].words,
                trend=_called(trend, topics[t].name),
                first=_first(reader, rows, members[t]) if "rising" in _directions(trend) else (),
            )
            for t, trend in zip(known, of_topics, strict=True)
        ),
        without_topic=sum(1 for r in rows if r.topic is None and (not area or r.paper_id in inside[area])),
    )


def _model(services: Services) -> str:
    from index.encoders import model_name

    return model_name(services.frontier.config.embedding.model)


def _called(trend: Trend, name: str) -> Trend:
    from dataclasses import replace

    return replace(trend, name=name)


def _directions(trend: Trend) -> tuple[str, str]:
    return trend.change.direction, trend.attention_change.direction


def _sorted(found: Iterator[TopicTrend]) -> list[TopicTrend]:
    """Rising topics first, the steepest before; then steady ones, falling ones, and those that are too small to tell."""
    order = {"rising": 0, "steady": 1, "falling": 2, "unknown": 3}
    return sorted(
        found,
        key=lambda t: (order[t.trend.change.direction], -t.trend.change.ratio if t.trend.change.ratio > 0 else 0, t.id),
    )


def _first(reader: Reader, rows: Sequence[Dated], members: set[int]) -> list[Paper]:
    """The earliest papers of a topic that are at its core: at least as near to its centroid as its median paper is."""
    own = [r for r in rows if r.paper_id in members]
    cosines = sorted(r.cosine or 0.0 for r in own)
    median = cosines[len(cosines) // 2]
    return reader.papers([r.paper_id for r in own if (r.cosine or 0.0) >= median][:FIRST_PAPERS])


def _heat(reader: Reader, ids: Sequence[int]) -> Mapping[int, float]:
    """The attention of papers in upvotes' worth, those without any left out."""
    counts, mentions = reader.latest_signals(ids), reader.mention_counts(ids)
    return {i: worth(counts.get(i, {}), mentions.get(i, 0)) for i in {*counts, *mentions}}


class _Counted:
    """Papers and attention by week."""

    def __init__(self, rows: Sequence[Dated], place: Mapping[date, int], heat: Mapping[int, float]) -> None:
        self._week = {r.paper_id: place[monday(r.day)] for r in rows}
        self._heat = heat
        self._weeks = len(place)

    def papers(self, ids: set[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return self._sum(dict.fromkeys(ids, 1.0))

    def heat(self, ids: set[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return self._sum({i: self._heat[i] for i in ids if i in self._heat})

    def _sum(self, values: Mapping[int, float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        out = np.zeros(self._weeks)
        for paper, value in values.items():
            out[self._week[paper]] += value
        return out


def week_names(found: Trends) -> list[str]:
    return [iso_name(week) for week in found.weeks]
