"""What the store knows that bears on a ranking: measures against other papers, near landmarks and liked papers, who talks.

`measured` is asked for every paper of a day, `because` only for those that are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.wiring import Frontier
from data.library import latest_liked
from data.measures import channels_of, latest_readings, novelty_of, readings_of, yardsticks
from data.papers import Paper
from ranking.feed import Because, Near, Ranked, Reason, heat
from ranking.signals import Measure, Measured, Yardstick, attention, attention_among, cited, novelty
from ranking.words import telling_words

if TYPE_CHECKING:
    from data.reader import Reader
    from index.encoders import Vectors

SPOKEN = {"hf_daily": "Hugging Face", "hackernews": "Hacker News", "github": "GitHub"}
"""Sources whose name is not how people call them."""

LIKED_AMONG = 500
"""The latest liked and saved papers among which the nearest is looked for."""

LEAST_COSINE = 0.4
"""A landmark that is less near is no reason. With all-MiniLM-L6-v2 the nearest of all landmarks is at 0.49 for the median
paper of a week, and a landmark is at 0.22 on average."""

LIKED_COSINE = 0.5
"""The same for a liked paper, of which there are more."""


def measured(
    reader: Reader,
    papers: Sequence[Paper],
    counts: Mapping[int, Mapping[str, float]],
    mentions: Mapping[int, int],
    now: datetime,
) -> Measured:
    """Attention, citations and novelty of papers, as a sync measured others; without a sync the absolute scale stands."""
    ids = [p.id for p in papers]
    found = novelty_of(reader, ids)
    new = {i: {f.area: m for f in some if (m := novelty(f.share, f.cosine))} for i, some in found.items()}
    talked = [p for p in papers if mentions.get(p.id) or counts.get(p.id)]
    if not talked:
        return Measured(novelty=new)
    return Measured(
        attention=_attention(reader, talked, counts, mentions, now),
        citations=_citations(reader, [p for p in talked if "citations" in counts.get(p.id, {})]),
        novelty=new,
    )


def _attention(
    reader: Reader,
    papers: Sequence[Paper],
    counts: Mapping[int, Mapping[str, float]],
    mentions: Mapping[int, int],
    now: datetime,
) -> dict[int, Measure]:
    from ranking.rates import attention_cohort, attention_rate

    sticks = _sticks(reader, "attention")
    readings = latest_readings(reader, [p.id for p in papers]) if sticks else {}
    out = {}
    for paper in papers:
        day, own = paper.day or paper.published or paper.date, readings.get(paper.id, [])
        threads = mentions.get(paper.id, 0)
        absolute, said = attention(counts.get(paper.id, {}), threads), heat(counts.get(paper.id, {}), threads)
        if day is None or not sticks:
            out[paper.id] = Measure(value=absolute, text=said)
            continue
        rate = attention_rate(own, threads, day=day, now=now)
        value, peers = attention_among(rate, absolute, attention_cohort(day, own, now), sticks)
        if peers:
            said += f", more than {value:.0%} of those talked of at that age"
        out[paper.id] = Measure(value=value, text=said)
    return out


def _citations(reader: Reader, papers: Sequence[Paper]) -> dict[int, Measure]:
    from ranking.rates import citation_rate

    if not papers or not (sticks := _sticks(reader, "citations")):
        return {}
    readings = readings_of(reader, [p.id for p in papers], "citations")
    out = {}
    for paper in papers:
        day = paper.day or paper.published or paper.date
        found = citation_rate(readings.get(paper.id, ()), day) if day else None
        if found and (measure := cited(*found, sticks)):
            out[paper.id] = measure
    return out


def _sticks(reader: Reader, name: str) -> dict[str, Yardstick]:
    kept = yardsticks(reader, name)
    return {c: Yardstick(papers=n, quantiles=tuple(values)) for c, (n, values) in kept.items()}


def vectors_of(reader: Reader, model: str, paper_ids: Sequence[int]) -> dict[int, Vectors]:
    """The vectors of these papers, each of shape (dim,); papers without one are left out."""
    import numpy as np

    stored = reader.vectors(model, paper_ids)
    return {i: np.frombuffer(v, "<f4") for i, v in stored.items() if v and len(v) % 4 == 0}


def matrix_of(reader: Reader, model: str, paper_ids: Sequence[int]) -> tuple[list[int], Vectors]:
    """Those of these papers that have a vector of the length that most have, and their vectors, shape (n, dim)."""
    import numpy as np

    stored = reader.vectors(model, paper_ids)
    usual = Counter(map(len, stored.values())).most_common(1)
    length = usual[0][0] if usual else 0
    there = [i for i in paper_ids if length and len(stored.get(i, b"")) == length]
    data = np.frombuffer(b"".join(stored[i] for i in there), "<f4").reshape(len(there), length // 4)
    return there, data.astype(np.float32, copy=False)


def explained(frontier: Frontier, reader: Reader, items: Sequence[Ranked]) -> list[Ranked]:
    """The same papers with what bears their ranking out: ask for those that are shown."""
    from index.encoders import model_name

    if not items:
        return []
    ids = [r.paper.id for r in items]
    model = model_name(frontier.config.embedding.model)
    near = _Nearest(frontier, reader, model, {i.area for i in items if i.area})
    vectors = vectors_of(reader, model, ids)
    heard = channels_of(reader, ids)
    heads = frontier.heads()

    def words(item: Ranked) -> tuple[str, ...]:
        title, abstract, area = item.paper.title, item.paper.abstract, near.areas.get(item.area)
        if area is None:
            return ()
        known = heads and heads.knows(item.area, area)
        weights = heads.told_by(item.area, f"{title}\n{abstract}") if heads and known else {}
        return telling_words(title, abstract, area.keywords, weights)

    return [
        replace(
            item,
            because=Because(
                landmark=near.landmark(item, vectors.get(item.paper.id)),
                liked=near.liked(item, vectors.get(item.paper.id)),
                words=words(item),
                heard=tuple(SPOKEN.get(name, name) for name in heard.get(item.paper.id, ())),
            ),
        )
        for item in items
    ]


class _Nearest:
    """Landmarks of areas and liked papers, with their vectors."""

    def __init__(self, frontier: Frontier, reader: Reader, model: str, areas: set[str]) -> None:
        self.areas = {name: area for name, area in frontier.config.areas.items() if name in areas}
        self._landmarks = {
            name: [i for text in area.landmarks if (i := reader.find(text)) is not None]
            for name, area in self.areas.items()
        }
        self._liked = latest_liked(reader, LIKED_AMONG)
        wanted = [*self._liked, *(i for some in self._landmarks.values() for i in some)]
        self._papers = {p.id: p for p in reader.papers(wanted)}
        self._vectors = vectors_of(reader, model, wanted)

    def landmark(self, item: Ranked, vector: Vectors | None) -> Near | None:
        return self._nearest(item, vector, self._landmarks.get(item.area, []), LEAST_COSINE)

    def liked(self, item: Ranked, vector: Vectors | None) -> Near | None:
        return self._nearest(item, vector, self._liked, LIKED_COSINE)

    def _nearest(self, item: Ranked, vector: Vectors | None, ids: Sequence[int], least: float) -> Near | None:
        import numpy as np

        if vector is None:
            return None
        there = [
            i for i in ids if i != item.paper.id and i in self._papers and len(self._vectors.get(i, ())) == len(vector)
        ]
        if not there:
            return None
        cosines = np.stack([self._vectors[i] for i in there]) @ vector
        best = int(cosines.argmax())
        cosine = float(cosines[best])
        if not cosine >= least:  # NaN is not
            return None
        paper = self._papers[there[best]]
        return Near(key=paper.key, title=paper.title, cosine=min(1.0, cosine))


def reasons_json(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    """What a score is made of, in the shape of `frontier feed --json` and `frontier show --json`."""
    return [
        {
            "signal": r.signal,
            "value": round(r.value, 4),
            "weight": r.weight,
            "contribution": round(r.contribution, 4),
            "text": r.text,
        }
        for r in reasons
    ]


def because_json(item: Ranked) -> dict[str, Any]:
    """What bears a ranking out, in the shape of `frontier feed --json` and `frontier show --json`."""

    def near(one: Near | None) -> dict[str, Any] | None:
        return {"id": one.key, "title": one.title, "cosine": round(one.cosine, 4)} if one else None

    return {
        "landmark": near(item.because.landmark),
        "liked": near(item.because.liked),
        "words": list(item.because.words),
        "heard": list(item.because.heard),
        "moved": {"places": item.moved.places, "like": item.moved.like, "why": item.moved.why} if item.moved else None,
    }
