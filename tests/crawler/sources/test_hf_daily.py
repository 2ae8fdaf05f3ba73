"""Hugging Face daily papers: exact records, bad items as values, which days are asked."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from crawler.source import Page, Window
from crawler.sources.hf_daily import HfDailySource
from data.errors import PageError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord, Signal

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def asked(cursor=(), now=NOW, **window) -> list[str]:
    return [f.url.partition("date=")[2] for f in HfDailySource().requests(dict(cursor), Window(now=now, **window))]


def parsed(body: bytes, **more) -> list:
    fetch = next(iter(HfDailySource().requests({}, Window(now=NOW))))
    return list(HfDailySource().parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW, **more)))


def test_items(fixture_bytes):
    outputs = parsed(fixture_bytes("hf_daily.json"))
    assert outputs[0] == PaperRecord(
        source="hf_daily",
        source_id="2603.01001",
        title="Counting Penguins",
        ids=(PaperId("arxiv", "2603.01001"),),
        abstract="We count penguins. Again.",
        authors=("Ada Quill", "Chi Rho"),
        published=date(2026, 3, 3),
        day=date(2026, 3, 5),
        url="https://huggingface.co/papers/2603.01001",
        code_urls=("https://github.com/example/penguins",),
        signals=(
            Signal(name="upvotes", value=59, at=NOW),
            Signal(name="comments", value=2, at=NOW),
            Signal(name="stars", value=16, at=NOW),
        ),
    )
    assert (outputs[1].title, outputs[1].abstract, outputs[1].signals) == ("A Drifting Loss", "It drifts.", ())
    bad = [o for o in outputs if isinstance(o, BadRecord)]
    assert [b.where.rpartition(" ")[2] for b in bad] == ["3", "4", "5", "6", "7", "8", "9"]
    assert bad[0].problem == "upvotes is a str, not a number"


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"error": "Rate limited"}', b"[{", b"null"])
def test_broken_pages(body):
    with pytest.raises(PageError):
        parsed(body)


def test_days():
    first = asked()
    assert (first[0], first[-1], len(first)) == ("2026-03-05", "2026-02-20", 14)
    done = {f"done:{d}": True for d in first}
    assert asked(done) == first[:8]  # today and the week before, for votes
    hole = {k: v for k, v in done.items() if k != "done:2026-02-25"}
    assert asked(hole) == [*first[:8], "2026-02-25"]
    assert [f.url[-2:] for f in HfDailySource(reread_days=1).requests(done, Window(now=NOW))] == ["05", "04"]
    later = asked(done, now=datetime(2026, 4, 10, tzinfo=UTC))
    assert (later[0], later[-1], len(later)) == ("2026-04-10", "2026-03-06", 36)
    assert asked(done, since=date(2026, 2, 21), until=date(2026, 2, 22)) == ["2026-02-22", "2026-02-21"]
    assert asked(since=date(2026, 3, 5), until=date(2027, 1, 1)) == ["2026-03-05"]


def test_a_run_remembers_its_days(play):
    def answer(fetch):
        return (503, b"") if "2026-02-22" in fetch.url else (200, b"[]")

    run = play(HfDailySource(), answer, now=NOW)
    assert all(f.kind == "api" and f.conditional for f in run.asked)
    assert run.lost == ["daily papers of 2026-02-22: HTTP 503"]
    assert len(run.cursor) == 13
    assert len(asked(run.cursor)) == 9
    assert asked(run.cursor)[-1] == "2026-02-22"
    (moved,) = parsed(b"", not_modified=True)
    assert moved.values == {"done:2026-03-05": True, "done:2026-01-04": None}


@pytest.mark.shared
def test_real_days(shared):
    papers = bad = 0
    for day in sorted((shared / "recordings" / "hf-daily").glob("20*.json")):
        for output in parsed(day.read_bytes()):
            papers += isinstance(output, PaperRecord)
            bad += isinstance(output, BadRecord)
    assert papers > 1000
    assert bad == 0
