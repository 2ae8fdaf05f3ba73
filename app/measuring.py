"""The part of a sync that measures papers against others: novelty within an area, yardsticks of attention and citations."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np

from app.evidence import matrix_of
from app.wiring import Frontier
from data.measures import (
    Forerunner,
    belonging,
    compared,
    forget_novelty,
    latest_reading,
    latest_readings,
    measured_up_to,
    put_novelty,
    put_yardsticks,
    readings_of,
    some_cited,
    talked_of,
)
from data.papers import Paper
from data.reader import Reader
from data.store import Store
from ranking.areas import leaf_areas
from ranking.novelty import LEAST_BEFORE, WINDOW_DAYS, forerunners, shares
from ranking.rates import attention_cohort, attention_rate, citation_rate
from ranking.signals import CITED_BANDS, LEAST_COHORT, Yardstick, band, yardsticks

COMPARED_DAYS = 30
"""Days before the latest one whose papers get their novelty, when they have none yet."""

ATTENTION_DAYS = 60
"""How old papers are at most that attention is compared with."""

MOST_CITED = 5000
"""Papers that citations are compared with: enough for a hundred steps in each band of age."""


def measure(frontier: Frontier, store: Store, reader: Reader, model: str, basis: str) -> int:
    """Measure what is new; returns how many papers got their novelty. `basis` names the areas that relevance rests on."""
    now = frontier.now()
    _put_sticks(store, "attention", 0, *_attention(reader, now))
    if (last := latest_reading(reader, "citations")) != measured_up_to(reader, "citations"):
        _put_sticks(store, "citations", last, *_citations(reader))
    days = reader.days(1)
    if not days:
        return 0
    threshold = frontier.config.ranking.area_threshold
    on = f"{basis}:{threshold:g}:{WINDOW_DAYS}"
    forget_novelty(store, on)
    return sum(
        _compare(store, reader, area, model, on, threshold, days[0][0]) for area in leaf_areas(frontier.config.areas)
    )


def _put_sticks(store: Store, name: str, up_to: int, values: dict[int, float], *cohorts: dict[int, str]) -> None:
    sticks: dict[str, Yardstick] = {}
    for cohort in cohorts:
        sticks |= yardsticks(values, cohort)
    put_yardsticks(store, name, {cohort: (s.papers, s.quantiles) for cohort, s in sticks.items()}, up_to)


def _attention(reader: Reader, now: datetime) -> tuple[dict[int, float], dict[int, str], dict[int, str]]:
    """Rates of the papers that anybody spoke of, with cohorts by age and weekday, and by age alone."""
    ids = talked_of(reader, now.date() - timedelta(days=ATTENTION_DAYS))
    readings, mentions = latest_readings(reader, ids), reader.mention_counts(ids)
    values, fine, coarse = {}, {}, {}
    for paper in reader.papers(ids):
        if (day := dated(paper)) is None:
            continue
        own = readings.get(paper.id, [])
        rate = attention_rate(own, mentions.get(paper.id, 0), day=day, now=now)
        if rate > 0:
            values[paper.id] = rate
            fine[paper.id] = attention_cohort(day, own, now)
            coarse[paper.id] = fine[paper.id].partition(":")[0]
    return values, coarse, fine


def _citations(reader: Reader) -> tuple[dict[int, float], dict[int, str]]:
    ids = some_cited(reader, MOST_CITED)
    readings = readings_of(reader, ids, "citations")
    values, cohort = {}, {}
    for paper in reader.papers(ids):
        day = dated(paper)
        found = citation_rate(readings.get(paper.id, ()), day) if day else None
        if found:
            values[paper.id] = found[0]
            cohort[paper.id] = str(band(found[2], CITED_BANDS))
    return values, cohort


def dated(paper: Paper) -> date | None:
    """The day that a paper's age is reckoned from: announced, published, else what date filters go by."""
    return paper.day or paper.published or paper.date


def _compare(store: Store, reader: Reader, area: str, model: str, basis: str, threshold: float, latest: date) -> int:
    """Novelty in one area of the papers of the latest days that have none on this basis."""
    first = latest - timedelta(days=COMPARED_DAYS)
    papers = belonging(reader, area, threshold, first - timedelta(days=WINDOW_DAYS), latest)
    known = compared(reader, [i for _, i in papers], area, basis)
    missing = {day for day, i in papers if day >= first and i not in known}
    if not missing:
        return 0
    ids, vectors = matrix_of(reader, model, [i for _, i in papers])
    days = {i: day for day, i in papers}
    found: list[tuple[int, float, int]] = []
    for day in sorted(missing):
        since = day - timedelta(days=WINDOW_DAYS)
        before = [n for n, i in enumerate(ids) if since <= days[i] < day]
        new = [n for n, i in enumerate(ids) if days[i] == day and i not in known]
        if len(before) < LEAST_BEFORE or not new:
            continue
        cosines, nearest = forerunners(vectors[new], vectors[before])
        found += [
            (ids[n], float(c), ids[before[k]]) for n, c, k in zip(new, cosines.tolist(), nearest.tolist(), strict=True)
        ]
    among = np.array([*known.values(), *(c for _, c, _ in found)], np.float32)
    if len(among) < LEAST_COHORT:
        return 0
    share = shares(np.array([c for _, c, _ in found], np.float32), among)
    put_novelty(
        store,
        basis,
        [
            Forerunner(paper_id=i, area=area, cosine=c, nearest=n, share=s)
            for (i, c, n), s in zip(found, share.tolist(), strict=True)
        ],
    )
    return len(found)
