"""The flow of the arXiv source: what it asks, what it trusts, what it remembers. A made-up arXiv answers."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from crawler.source import Failure, Fetch, Page, Standing, Window
from crawler.sources.arxiv import MAX_RESTARTS, ArxivById, ArxivSource
from data.errors import PageError

CATEGORIES = ["cs.CV", "cs.LG", "stat.ML"]
TUESDAY, WEDNESDAY = date(2026, 3, 3), date(2026, 3, 4)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
VERIFIED = {"verified": "2026-03-03", "categories": CATEGORIES}


@dataclass(frozen=True)
class Paper:
    """One paper of the made-up arXiv; `versions` are the days its versions were announced."""

    id: str
    cats: tuple[str, ...]
    versions: tuple[date, ...]

    def kind(self, cats: list[str], day: date) -> str:
        """How it is announced on this day to a reader of `cats`; empty when it is not."""
        if day not in self.versions or not set(cats) & set(self.cats):
            return ""
        own = "" if self.cats[0] in cats else "-cross"
        return ("new" + own).replace("new-", "") if day == self.versions[0] else "replace" + own


@dataclass
class TinyArxiv:
    """Answers as rss.arxiv.org, arxiv.org and oaipmh.arxiv.org do, with faults by the start of an address."""

    papers: list[Paper]
    today: date = WEDNESDAY
    page: int = 4
    faults: dict[str, str] = field(default_factory=dict)  # start of the address -> kind, "once-" + kind for one answer
    log: list[str] = field(default_factory=list)

    def on(self, day: date, cats: list[str] = CATEGORIES) -> set[str]:
        return {p.id for p in self.papers if p.kind(cats, day) in ("new", "cross")}

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        self.log.append(fetch.url)
        start = next((s for s in self.faults if fetch.url.startswith(s)), "")
        fault = self.faults.get(start, "")
        if fault.startswith("once-"):
            del self.faults[start]
            fault = fault.removeprefix("once-")
        if fault.isdecimal():
            return int(fault), b"Rate exceeded.\n"
        if fault == "html":
            return 200, b"<html><body><h1>Service temporarily unavailable</h1></body></html>"
        parts = urlsplit(fetch.url)
        if parts.netloc == "rss.arxiv.org":
            body = self.rss(unquote(parts.path).removeprefix("/rss/").split("+"), fault)
        elif parts.netloc == "arxiv.org":
            body = self.listing(parts.path.split("/")[2], fault)
        else:
            body = self.oai({k: v[0] for k, v in parse_qs(parts.query).items()}, fault)
        if fault == "truncate":
            body = body[: len(body) // 2]
        if fault == "malformed":
            body = body[: len(body) // 2] + b"<<<&nbsp;" + body[len(body) // 2 + 40 :]
        return 200, body

    def batch(self, fault: str) -> date:
        listed = {d for p in self.papers for d in p.versions if d <= self.today}
        newest = max(listed)
        return max(d for d in listed if d < newest) if fault == "stale" else newest

    def rss(self, cats: list[str], fault: str) -> bytes:
        day = self.batch(fault)
        rows = [(p, kind) for p in self.papers if (kind := p.kind(cats, day))]
        rows = {"short": rows[: len(rows) // 2], "quiet": []}.get(fault, rows)
        shown = f"{self.batch('') if fault != 'old' else self.batch('stale'):%a, %d %b %Y} 00:00:00 -0500"
        items = "".join(
            f"<item><title>On {p.id}</title><link>https://arxiv.org/abs/{p.id}</link><description>arXiv:{p.id}v1 Announce "
            f"Type: {kind} \nAbstract: About {p.id}.</description><guid>oai:arXiv.org:{p.id}v{p.versions.index(day) + 1}"
            f"</guid>{''.join(f'<category>{c}</category>' for c in p.cats)}<arxiv:announce_type>{kind}</arxiv:announce_type>"
            "<dc:creator>Ada Quill</dc:creator></item>"
            for p, kind in rows
        )
        return (
            "<?xml version='1.0' encoding='UTF-8'?><rss xmlns:arxiv='http://arxiv.org/schemas/atom' "
            f"xmlns:dc='http://purl.org/dc/elements/1.1/' version='2.0'><channel><title>x</title><pubDate>{shown}"
            f"</pubDate>{items}</channel></rss>"
        ).encode()

    def listing(self, cat: str, fault: str) -> bytes:
        day = self.batch(fault)
        out = [f"<html><body><h3>Showing new listings for {day:%A}, {day.day} {day:%B %Y}</h3>"]
        for heading, kinds in {"New": ["new"], "Cross": ["cross"], "Replacement": ["replace", "replace-cross"]}.items():
            rows = [p for p in self.papers if p.kind([cat], day) in kinds]
            kept = {"short": rows[: len(rows) // 2], "quiet": []}.get(fault, rows)
            rows = [] if fault == "quiet" else rows
            if not rows:
                continue
            out.append(f"<dl><h3>{heading} submissions (showing {len(kept)} of {len(rows)} entries)</h3>")
            out += [
                f"<dt><a href='/abs/{p.id}'>arXiv:{p.id}</a></dt><dd><div class='list-title'><span class='descriptor'>"
                f"Title:</span> On {p.id}</div><div class='list-authors'><a>Ada Quill</a></div><div class='list-subjects'>"
                f"{'; '.join(f'Name ({c})' for c in p.cats)}</div><p class='mathjax'>About {p.id}.</p></dd>"
                for p in kept
            ]
            out.append("</dl>")
        return "".join([*out, "</body></html>"]).encode()

    def oai(self, query: dict[str, str], fault: str) -> bytes:
        def wrap(inner: str) -> bytes:
            return f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{inner}</OAI-PMH>'.encode()

        if token := query.get("resumptionToken"):
            if fault == "badtoken":
                return wrap('<error code="badResumptionToken">expired</error>')
            query, skip = json.loads(token)
        else:
            skip = 0
        stamps = {
            p.id: max(d for d in p.versions if d <= self.today) for p in self.papers if p.versions[0] <= self.today
        }
        rows = [
            p
            for p in self.papers
            if query.get("set", "").split(":")[-1] in [c.split(".")[-1] for c in p.cats]
            and query.get("from", "") <= str(stamps.get(p.id, "")) <= query.get("until", "9999")
        ]
        if not rows:
            return wrap('<error code="noRecordsMatch">none</error>')
        records = "".join(
            f"<record><header><identifier>oai:arXiv.org:{p.id}</identifier><datestamp>{stamps[p.id]}</datestamp></header>"
            f"<metadata><arXivRaw><id>{p.id}</id>{self.versions(p)}<title>On {p.id}</title><authors>Ada Quill</authors>"
            f"<categories>{' '.join(p.cats)}</categories><abstract>About {p.id}.</abstract></arXivRaw></metadata></record>"
            for p in rows[skip : skip + self.page]
        )
        more = json.dumps([query, skip + self.page]) if skip + self.page < len(rows) else ""
        return wrap(f"<ListRecords>{records}<resumptionToken>{html.escape(more)}</resumptionToken></ListRecords>")

    def versions(self, paper: Paper) -> str:
        """Submitted the day before it was announced, before 14:00 (a Friday for a Monday)."""
        out = ""
        for number, day in enumerate([d for d in paper.versions if d <= self.today], 1):
            sent = day - timedelta(days=3 if day.weekday() == 0 else 1)
            out += (
                f"<version version='v{number}'><date>{sent:%a, %d %b %Y} 12:00:00 GMT</date><size>9kb</size></version>"
            )
        return out


@pytest.fixture
def arxiv() -> TinyArxiv:
    """Three days: two earlier ones with papers of their own, and Wednesday with new, cross-listed and replaced ones."""
    cats = [("cs.CV",), ("cs.CV", "cs.LG"), ("cs.LG", "cs.CV"), ("stat.ML", "cs.LG"), ("eess.IV", "cs.CV"), ("cs.RO",)]
    papers = []
    for number, day in enumerate((date(2026, 2, 27), TUESDAY, WEDNESDAY)):
        papers += [Paper(f"2603.{number + 1}{i:04d}", c, (day,)) for i, c in enumerate(cats * 3, 1)]
    papers.append(Paper("2511.00007", ("cs.CV",), (date(2025, 11, 3), WEDNESDAY)))
    papers.append(Paper("2511.00008", ("eess.IV", "cs.LG"), (date(2025, 11, 3), WEDNESDAY)))
    return TinyArxiv(papers)


def source(categories: list[str] = CATEGORIES) -> ArxivSource:
    return ArxivSource(categories)


def test_an_ordinary_day(arxiv, play):
    run = play(source(), arxiv, cursor=VERIFIED, now=NOON)
    assert run.on(WEDNESDAY) == arxiv.on(WEDNESDAY)
    assert run.urls == [
        "https://rss.arxiv.org/rss/cs.CV+cs.LG+stat.ML",
        "https://arxiv.org/list/cs.CV/new",
        "https://arxiv.org/list/cs.LG/new",
        "https://arxiv.org/list/stat.ML/new",
    ]
    assert [f.kind for f in run.asked] == ["api", "page", "page", "page"]
    kinds = {p.source_id: p.announce_type for p in run.papers}
    assert kinds == {p.id: kind for p in arxiv.papers if (kind := p.kind(CATEGORIES, WEDNESDAY))}
    assert all(p.update_only == p.announce_type.startswith("replace") for p in run.papers)
    assert len(run.papers) == len(kinds)  # each paper once
    assert [(e.what, e.count) for e in run.expected] == [("arXiv 2026-03-04", 15)]
    assert (run.cursor["verified"], run.notices, run.bad) == ("2026-03-04", [], [])


def test_the_feed_is_believed_unchanged_only_on_a_verified_day(arxiv, play):
    (unverified,) = source().requests(VERIFIED, Window(now=NOON))
    assert not unverified.conditional
    (verified,) = source().requests({**VERIFIED, "verified": "2026-03-04"}, Window(now=NOON))
    assert verified.conditional
    (other,) = [f for f in source(["cs.CV", "cs.RO"]).requests(VERIFIED, Window(now=NOON)) if "rss" in f.url]
    assert not other.conditional
    run = play(source(), lambda fetch: (304, b""), cursor={**VERIFIED, "verified": "2026-03-04"}, now=NOON)
    assert (len(run.asked), run.papers, run.cursor["verified"]) == (1, [], "2026-03-04")


RSS, LIST, OAI = "https://rss.arxiv.org", "https://arxiv.org/list", "https://oaipmh.arxiv.org"


@pytest.mark.parametrize(
    ("faults", "verified", "notice"),
    [
        ({RSS: "stale"}, True, "the feed of 2026-03-04 is stale: 0 of its 15 papers are on the day's listing; 15 were"),
        ({RSS: "short"}, True, "the feed of 2026-03-04 is short"),
        ({RSS: "quiet"}, True, "the feed of 2026-03-04 is short: it has 0 of 15 papers"),
        ({RSS: "old"}, True, ""),
        ({RSS: "truncate"}, True, "the feed of cs.CV, cs.LG, stat.ML could not be fetched"),
        ({RSS: "malformed"}, True, "could not be fetched"),
        ({RSS: "html"}, True, "could not be fetched"),
        ({RSS: "503"}, True, "could not be fetched (HTTP 503): the day is taken from the listing pages"),
        ({LIST: "short"}, True, ""),
        ({LIST: "once-short"}, True, ""),
        ({RSS: "short", LIST: "short"}, True, "from OAI-PMH"),
        ({RSS: "short", LIST: "once-short"}, True, "were taken from the listing pages"),
        ({LIST: "stale"}, False, "are taken without a cross-check"),
        ({LIST: "truncate"}, False, "are the feed's, without a cross-check"),
        ({LIST: "html"}, False, "are the feed's, without a cross-check"),
        ({LIST: "once-malformed"}, True, ""),
        ({f"{LIST}/cs.LG": "503"}, False, "no listing page of cs.LG (HTTP 503)"),
        (
            {RSS: "stale", f"{LIST}/cs.LG": "503"},
            False,
            "no listing page of cs.LG (HTTP 503): OAI-PMH is asked instead",
        ),
        ({RSS: "503", f"{LIST}/cs.LG": "503"}, False, "no listing page of cs.LG (HTTP 503): OAI-PMH is asked instead"),
        ({RSS: "503", LIST: "503"}, False, "OAI-PMH is asked instead"),
        ({RSS: "quiet", LIST: "503"}, False, "OAI-PMH is asked instead"),
        ({RSS: "old", LIST: "503"}, False, "OAI-PMH is asked instead"),
        ({RSS: "html", LIST: "malformed"}, True, "could not be fetched"),
    ],
)
def test_the_day_is_exact_whatever_fails(arxiv, play, faults, verified, notice):
    arxiv.faults = dict(faults)
    run = play(source(), arxiv, cursor=VERIFIED, now=NOON)
    assert run.on(WEDNESDAY) == arxiv.on(WEDNESDAY)
    assert run.cursor["verified"] == ("2026-03-04" if verified else "2026-03-03")
    texts = [n.text for n in run.notices]
    assert any(notice in t for t in texts) if notice else not texts
    assert not run.lost


@pytest.mark.parametrize("first", [{}, VERIFIED])
def test_both_of_yesterday_is_no_new_day(arxiv, play, first):
    arxiv.faults = {RSS: "stale", LIST: "stale"}
    run = play(source(), arxiv, cursor=first, now=NOON)
    listed = {p.source_id for p in run.papers if p.day == WEDNESDAY and p.announce_type}
    assert not listed
    assert run.cursor["verified"] == "2026-03-03"  # Tuesday's listing is complete
    assert run.standing == Standing(
        verdict="stalled",
        text="the batch of 2026-03-04 was due by 06:00 US/Eastern, but its listing still shows 2026-03-03 (see"
        " https://status.arxiv.org); asked for again by the next run",
    )


def test_nothing_announced(arxiv, play):
    arxiv.faults = {RSS: "quiet", LIST: "quiet"}
    run = play(source(), arxiv, cursor=VERIFIED, now=NOON)
    assert (run.on(WEDNESDAY), run.cursor["verified"]) == (arxiv.on(WEDNESDAY), "2026-03-03")
    assert run.standing.verdict == "stalled"
    assert "OAI-PMH has 15 papers of that day, which were taken" in run.standing.text
    arxiv.faults = {}
    again = play(source(), arxiv, cursor=run.cursor, now=NOON)
    assert again.on(WEDNESDAY) == arxiv.on(WEDNESDAY)
    assert (again.cursor["verified"], again.standing) == ("2026-03-04", None)


@pytest.mark.parametrize(
    ("faults", "hour", "verdict", "why"),
    [
        ({}, 12, "quiet", "feed and listing of the day are empty, and OAI-PMH has no paper of it"),
        ({}, 9, "waiting", "has no entries yet; due by 06:00 US/Eastern"),
        ({OAI: "503"}, 12, "stalled", "OAI-PMH could not say whether that is so (HTTP 503)"),
        ({RSS: "503"}, 12, "stalled", "but the feed could not be fetched"),
        ({RSS: "stale"}, 12, "stalled", "but the feed of 2026-03-04 has 15 papers"),
    ],
)
def test_a_day_without_papers(arxiv, play, faults, hour, verdict, why):
    arxiv.papers = [p for p in arxiv.papers if WEDNESDAY not in p.versions]
    arxiv.papers.append(Paper("2603.99999", ("math.AG",), (WEDNESDAY,)))  # so that the day is Wednesday
    arxiv.faults = {RSS: "quiet", LIST: "quiet", **faults}
    run = play(source(), arxiv, cursor=VERIFIED, now=NOON.replace(hour=hour))
    assert run.standing.verdict == verdict
    assert why in run.standing.text
    assert (run.on(WEDNESDAY), run.cursor["verified"]) == (set(), "2026-03-03")


def test_an_unread_day_is_overdue_unless_its_papers_come_another_way(arxiv, play):
    arxiv.faults = {RSS: "503", LIST: "503"}
    run = play(source(), arxiv, cursor=VERIFIED, now=NOON)
    assert (run.standing.verdict, run.standing.unless) == ("stalled", WEDNESDAY)
    assert run.on(WEDNESDAY) == arxiv.on(WEDNESDAY)
    arxiv.faults = {LIST: "503"}  # the feed is believed
    assert play(source(), arxiv, cursor=VERIFIED, now=NOON).standing is None


def test_a_listing_that_was_short_is_read_again(arxiv, play):
    arxiv.faults = {LIST: "short"}
    run = play(source(), arxiv, cursor=VERIFIED, now=NOON)
    assert (run.cursor["verified"], run.cursor["again"]) == ("2026-03-04", "2026-03-04")
    arxiv.faults = {}
    again = play(source(), arxiv, cursor=run.cursor, now=NOON)
    assert not again.asked[0].conditional
    assert again.on(WEDNESDAY) == arxiv.on(WEDNESDAY)
    assert "again" not in again.cursor


def test_what_cannot_be_fetched_is_named(arxiv, play):
    arxiv.faults = {RSS: "short", f"{LIST}/cs.CV": "short", OAI: "503"}
    run = play(source(), arxiv, cursor=VERIFIED, now=NOON)
    assert run.cursor["verified"] == "2026-03-03"
    (lost,) = run.lost
    assert re.fullmatch(r"\d+ of 12 papers of cs.CV announced on 2026-03-04 could not be fetched \(HTTP 503\)", lost)
    assert sum(e.count for e in run.expected) == 15
    assert run.on(WEDNESDAY) < arxiv.on(WEDNESDAY)


def test_everything_down(arxiv, play):
    arxiv.faults = {"https://": "503"}
    run = play(source(), arxiv, cursor=VERIFIED, now=NOON)
    assert not run.papers
    assert len(run.lost) == 3
    arxiv.faults = {}
    after = play(source(), arxiv, cursor=run.cursor, now=NOON)
    assert after.on(WEDNESDAY) == arxiv.on(WEDNESDAY)
    assert after.cursor["verified"] == "2026-03-04"


def test_the_first_run_reads_two_weeks(arxiv, play):
    run = play(source(), arxiv, now=NOON)
    for day in (date(2026, 2, 27), TUESDAY, WEDNESDAY):
        assert run.on(day) == arxiv.on(day)
    assert "from=2026-02-18" in next(u for u in run.urls if u.startswith(OAI))
    assert run.urls[0].startswith(RSS)
    assert run.cursor == {
        "verified": "2026-03-04",
        "categories": CATEGORIES,
        "through:cs:cs:CV": "2026-03-03",
        "through:cs:cs:LG": "2026-03-03",
        "through:stat:stat:ML": "2026-03-03",
    }
    again = play(source(), arxiv, cursor=run.cursor, now=NOON)
    assert [u for u in again.urls if u.startswith(OAI)] == []


def test_a_missed_day_is_caught_up(arxiv, play):
    run = play(source(), arxiv, cursor={**VERIFIED, "verified": "2026-03-02"}, now=NOON)
    assert run.on(TUESDAY) == arxiv.on(TUESDAY)
    assert run.on(WEDNESDAY) == arxiv.on(WEDNESDAY)
    assert next(u for u in run.urls if u.startswith(OAI)).endswith("set=cs:cs:CV&from=2026-03-02")


def test_a_category_added_later_gets_its_first_days(arxiv, play):
    run = play(source([*CATEGORIES, "cs.RO"]), arxiv, cursor=VERIFIED, now=NOON)
    asked = [u for u in run.urls if u.startswith(OAI) and "resumptionToken" not in u]
    assert asked == [
        "https://oaipmh.arxiv.org/oai?verb=ListRecords&metadataPrefix=arXivRaw&set=cs:cs:RO&from=2026-02-18"
    ]


@pytest.mark.parametrize("stop_after", range(1, 20))
def test_a_killed_run_loses_nothing(arxiv, play, stop_after):
    first = play(source(), arxiv, now=NOON, stop_after=stop_after)
    second = play(source(), arxiv, cursor=json.loads(json.dumps(first.cursor)), now=NOON)
    for day in (date(2026, 2, 27), TUESDAY, WEDNESDAY):
        assert first.on(day) | second.on(day) == arxiv.on(day)
    assert second.cursor["verified"] == "2026-03-04"
    assert not [k for k in second.cursor if k.startswith("oai:")]


def test_a_weekend_asks_only_the_feed(arxiv, play):
    arxiv.today = date(2026, 3, 7)
    arxiv.faults = {RSS: "quiet"}
    saturday = datetime(2026, 3, 7, 12, tzinfo=UTC)
    run = play(source(), arxiv, cursor={**VERIFIED, "verified": "2026-03-06"}, now=saturday)
    assert (len(run.asked), run.notices, run.papers) == (1, [], [])
    assert run.standing == Standing(verdict="quiet", text="arXiv announces nothing on Saturdays")


def test_many_categories_are_asked_in_several_feeds(arxiv, play):
    many = ["cs.CV", "cs.LG", "stat.ML", *(f"math.{a}{b}" for a in "ABCDEFGH" for b in "ABCDEFGHI")]
    run = play(source(many), arxiv, cursor={**VERIFIED, "categories": many}, now=NOON)
    assert len([u for u in run.urls if u.startswith(RSS)]) == 2
    assert run.on(WEDNESDAY) == arxiv.on(WEDNESDAY)
    assert run.cursor["verified"] == "2026-03-04"


def test_a_window_is_oai_alone_and_keeps_everything(arxiv, play):
    run = play(source(), arxiv, cursor=VERIFIED, now=NOON, since=TUESDAY, until=WEDNESDAY)
    assert all(u.startswith(OAI) for u in run.urls)
    assert run.urls[0].endswith("set=cs:cs:CV&from=2026-03-03&until=2026-03-04")
    revised = next(p for p in run.papers if p.source_id == "2511.00007")
    assert (revised.version, revised.update_only, revised.day) == (2, False, date(2025, 11, 3))
    assert run.on(TUESDAY) == arxiv.on(TUESDAY)
    assert run.cursor == VERIFIED
    only_since = list(source(["hep-th"]).requests({}, Window(now=NOON, since=TUESDAY)))
    assert [f.url.partition("&set=")[2] for f in only_since] == ["physics:hep-th&from=2026-03-03"]


def test_an_interrupted_window_goes_on_by_its_token(arxiv, play):
    window = {"since": TUESDAY, "until": WEDNESDAY}
    first = play(source(), arxiv, now=NOON, stop_after=2, **window)
    assert first.cursor["window:cs:cs:CV"]["token"]
    arxiv.log.clear()
    second = play(source(), arxiv, cursor=first.cursor, now=NOON, **window)
    assert "resumptionToken" in arxiv.log[0]
    whole = play(source(), arxiv, now=NOON, **window)
    assert {p.source_id for p in [*first.papers, *second.papers]} == {p.source_id for p in whole.papers}
    assert not second.cursor
    arxiv.log.clear()
    play(source(), arxiv, cursor=first.cursor, now=NOON + timedelta(days=1), **window)  # tokens die at midnight UTC
    assert arxiv.log[0].endswith("from=2026-03-03&until=2026-03-04")
    arxiv.log.clear()
    play(source(), arxiv, cursor=first.cursor, now=NOON, since=WEDNESDAY)  # another window starts anew
    assert arxiv.log[0].endswith("from=2026-03-04")


def test_a_refused_token_restarts_the_list(arxiv, play):
    arxiv.faults = {f"{OAI}/oai?verb=ListRecords&resumptionToken": "once-badtoken"}
    run = play(source(["cs.CV"]), arxiv, now=NOON, since=TUESDAY)
    assert {p.source_id for p in run.papers} >= arxiv.on(TUESDAY, ["cs.CV"]) | arxiv.on(WEDNESDAY, ["cs.CV"])
    assert not run.lost
    arxiv.faults = {f"{OAI}/oai?verb=ListRecords&resumptionToken": "badtoken"}
    run = play(source(["cs.CV"]), arxiv, now=NOON, since=TUESDAY)
    assert len(run.lost) == 1
    assert sum("resumptionToken" not in u for u in run.urls) == MAX_RESTARTS + 1


def _oai_page(inner: str, **context: Any) -> Page:
    fetch = next(iter(source(["cs.CV"]).requests({}, Window(now=NOON, since=TUESDAY))))
    fetch = Fetch(url=fetch.url, kind="api", context={**fetch.context, **context})
    body = f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{inner}</OAI-PMH>'.encode()
    return Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOON)


def test_oai_errors(arxiv):
    assert [o.values for o in source().parse(_oai_page('<error code="noRecordsMatch">none</error>'))] == [
        {"window:cs:cs:CV": None}
    ]
    with pytest.raises(PageError, match="badArgument: no such day"):
        list(source().parse(_oai_page('<error code="badArgument">no such day</error>')))


def test_deleted_records_are_counted():
    records = '<record><header status="deleted"><identifier>oai:arXiv.org:2603.1</identifier></header></record>'
    outputs = list(source().parse(_oai_page(f"<ListRecords>{records}{records}</ListRecords>", deleted=3)))
    assert [o.text for o in outputs if hasattr(o, "text")] == [
        "5 records of cs.CV are marked as deleted and were skipped"
    ]


def test_a_token_is_quoted_again(fixture_bytes):
    fetch = next(iter(source(["cs.CV"]).requests({}, Window(now=NOON, since=TUESDAY))))
    page = Page(fetch=fetch, url=fetch.url, body=fixture_bytes("arxiv_oai_raw.xml"), fetched_at=NOON)
    (following,) = [o for o in source().parse(page) if isinstance(o, Fetch)]
    assert following.url == (
        "https://oaipmh.arxiv.org/oai?verb=ListRecords&resumptionToken="
        "verb%253DListRecords%2526metadataPrefix%253DarXivRaw%2526skip%253D4"
    )


def test_by_id(fixture_bytes, play):
    ids = ["2603.01001", "2603.77777"]
    run = play(ArxivById(ids), lambda fetch: (200, fixture_bytes("arxiv_api.xml")))
    assert run.urls == ["https://export.arxiv.org/api/query?id_list=2603.01001,2603.77777&start=0&max_results=2"]
    assert [p.source_id for p in run.papers] == ["2603.01001"]
    assert [n.text for n in run.notices] == ["arXiv returned nothing for 1 of the ids asked: 2603.77777"]
    assert not run.lost
    hundred = list(ArxivById([f"2603.{i:05d}" for i in range(1, 251)]).requests({}, Window(now=NOON)))
    assert [len(f.context["ids"]) for f in hundred] == [100, 100, 50]


def test_by_id_finds_the_one_that_is_refused(fixture_bytes, play):
    def answer(fetch: Fetch) -> tuple[int, bytes]:
        wrong = "abc" in fetch.url
        return (400, fixture_bytes("arxiv_api_error.xml")) if wrong else (200, fixture_bytes("arxiv_api.xml"))

    run = play(ArxivById(["2603.01001", "2603.77777", "abc"]), answer, attempts=1)
    assert [b.where for b in run.bad] == ["abc"]
    assert {p.source_id for p in run.papers} == {"2603.01001"}
    failure = Failure(fetch=run.asked[0], status=503, problem="HTTP 503")
    assert [n.lost for n in ArxivById([]).failed(failure)] == [True]
    (page,) = [Page(fetch=run.asked[0], url="", body=fixture_bytes("arxiv_api_error.xml"), fetched_at=NOON)]
    with pytest.raises(PageError, match="incorrect id format for abc"):
        list(ArxivById([]).parse(page))


def test_no_categories_ask_nothing():
    assert list(source([]).requests({}, Window(now=NOON))) == []
    with pytest.raises(ValueError, match="not an arXiv category"):
        source(["no such thing"])
