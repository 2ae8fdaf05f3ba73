"""What pages show: counted, cut, escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app import markup, presenters, presenters_paper
from app.presenters import Areas
from app.services import Feed, Services
from app.wiring import Frontier
from crawler.health import Day
from crawler.report import SourceReport
from data.papers import Paper, SignalReading, SourceRun
from tests.app import made_up

NOW = made_up.NOW
ALLOWED = {
    "a", "article", "b", "blockquote", "br", "button", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "h1", "h2", "h3",
    "header", "i", "li", "nav", "p", "section", "span", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead",
    "tr", "ul",
}  # fmt: skip


class Checked(HTMLParser):
    """Collects what is not allowed in the pages' HTML: tags, handlers, addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            self.wrong.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "srcdoc"):
                self.wrong.append(f"{tag} {name}")
            if name == "href":
                self.links.append(value or "")
                if not (value or "").startswith(("./", "http://", "https://")):
                    self.wrong.append(f"href {value}")

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def services(made_up_home: Path) -> Iterator[Services]:
    opened = Services(Frontier({"FRONTIER_HOME": str(made_up_home), "FRONTIER_NOW": NOW.isoformat()}))
    yield opened
    opened.close()


@pytest.fixture
def areas(services: Services) -> Areas:
    return Areas(services.areas, services.frontier.config.ranking.area_threshold)


def paper(**fields: object) -> Paper:
    known = {"id": 1, "key": "arxiv:2511.00001", "title": "On Meadows"}
    return Paper(**{**known, **fields})  # type: ignore[arg-type]


def run(source: str, *, at: datetime = NOW - timedelta(hours=2), **fields: object) -> SourceRun:
    report = SourceReport(source=source, started_at=at, **fields)  # type: ignore[arg-type]
    return SourceRun(source=source, started_at=at, verdict=report.verdict, report=report.as_dict())


# ---- hostile text


def every_page(services: Services, areas: Areas) -> str:
    feed = services.feed(k=1000)
    parts = [
        presenters.feed_cards(feed.ranked, areas, 1),
        presenters.day_line(feed, services.health(), today=NOW.date(), now=NOW),
        presenters.source_cards(presenters.source_rows(services.health(), NOW)),
        presenters.found_cards(services.search("attack script", mode="keyword").hits, areas, "keyword", 1),
    ]
    for number in range(len(made_up.HOSTILE_TITLES)):
        detail = services.detail(f"openreview:hostile00{number}")
        why = services.why(detail)
        assert why is not None
        parts += [
            presenters_paper.paper_head(detail),
            presenters_paper.paper_body(detail),
            presenters.score_table(why),
            presenters_paper.sightings_table(detail.sightings),
            presenters.neighbour_list(services.neighbours(detail.paper.id)),
        ]
    parts.append(presenters_paper.mentions_list(services.detail("arxiv:2511.00001").mentions))
    return "".join(parts)


def test_hostile_text_stays_text(services: Services, areas: Areas) -> None:
    page = Checked(every_page(services, areas))
    assert page.wrong == []
    assert "<script>window.__pwned = 1</script>" in page.words
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", page.words)


def test_a_hostile_address_leads_nowhere(services: Services) -> None:
    detail = services.detail("openreview:hostile000")
    links = Checked("".join(presenters_paper.paper_links(detail))).links
    assert links == ["https://openreview.net/forum?id=hostile000", "https://openreview.net/pdf?id=hostile000"]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x", "file:///etc/passwd",
        "//evil.example", "http://", "https:///x", "http://a b", "http://a\nb", "vbscript:x", "", "http://[bad",
        "https://x/" + "y" * 3000,
    ],
)  # fmt: skip
def test_only_http_addresses_are_links(url: str) -> None:
    assert markup.safe_url(url) is None
    assert markup.outside(url, "label") == "label"


def test_an_address_with_quotes_cannot_leave_its_attribute() -> None:
    assert markup.outside('https://x.example/"onclick="1', "x").count('"') == 6


def test_a_key_with_any_character_is_one_parameter() -> None:
    assert markup.href("paper", {"id": "a&b=<c>#d"}) == "./paper?id=a%26b%3D%3Cc%3E%23d"


def test_long_titles_are_cut_and_many_authors_counted(services: Services, areas: Areas) -> None:
    long, crowd = services.detail("openreview:hostile004"), services.detail("openreview:hostile000")
    assert len(long.paper.title) == 2000
    head = presenters_paper.paper_head(long)
    assert "…</h1>" in head
    assert "Whole title" in head
    assert "and 2,970 more" in presenters_paper.paper_head(crowd)
    assert presenters.authors(crowd.paper.authors, 6).endswith("Tomás Ibáñez and 2,994 more")


# ---- the day


def test_a_card_says_what_is_known(services: Services, areas: Areas) -> None:
    feed = services.feed(k=1000)
    best = feed.ranked[0]
    card = presenters.feed_cards([best], areas, 26)
    words = Checked(card).words
    assert words.startswith("26")
    assert best.paper.title in words
    assert "Datasets 91%" in words
    assert "363 upvotes" in words
    assert f"{best.score:.2f}" in words
    assert "./paper?id=arxiv%3A" in card


def test_a_lane_is_shown_under_its_area(areas: Areas) -> None:
    chips = presenters.area_chips(areas, {"rl": 0.81, "generative": 0.4, "datasets": 0.55})
    assert Checked(chips).words == "Learning · Reinforcement learning 81%Datasets 55%"


def test_without_relevance_there_are_no_chips_and_no_bars(areas: Areas) -> None:
    assert presenters.area_chips(areas, {}) == ""
    assert presenters.area_bars(areas, {}) == ""


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "no source has run yet"),
        ([run("arxiv", received=3, new=3)], "the only source answered · 2 hours ago"),
        ([run("arxiv", new=3), run("hf_daily"), run("reddit", off="no key")], "all 2 sources answered · 2 hours ago"),
        (
            [run("arxiv", new=3), run("cvf", received=9, lost_requests=12)],
            "cvf: degraded, 12 pages lost; 1 other source answered · 2 hours ago",
        ),
        ([run("arxiv", lost=["the listing: 503"])], "arxiv: failed, 1 page lost · 2 hours ago"),
        (
            [run("arxiv", standing="stalled", text="the batch is overdue"), run("hf_daily", new=2)],
            "arxiv: stalled, the batch is overdue; 1 other source answered · 2 hours ago",
        ),
        (
            [run("arxiv", standing="waiting", text="not out yet"), run("hf_daily", new=2)],
            "all 2 sources answered; arxiv: not out yet · 2 hours ago",
        ),
        (
            [run("arxiv", standing="quiet", text="a holiday")],
            "the only source answered; arxiv: a holiday · 2 hours ago",
        ),
        ([run("arxiv", at=NOW - timedelta(days=3))], "the only source answered · last checked 3 days ago"),
    ],
)
def test_health_in_one_line(runs: list[SourceRun], said: str) -> None:
    assert Checked(presenters.health_line(runs, NOW)).words == said


def feed_of(day: date | None, total: int = 0, area: str = "") -> Feed:
    return Feed(day=day, since=None, area=area, ranked=[], total=total, took_ms=1)


def test_an_area_that_was_never_judged_says_so(areas: Areas) -> None:
    out = presenters.empty_day(feed_of(date(2025, 11, 24), 412, "rl"), areas, has_days=True, store_size=9, judged=False)
    assert "No paper was compared with" in Checked(out).words
    assert 'href="./sources"' in out


@pytest.mark.parametrize(
    ("feed", "size", "said"),
    [
        (feed_of(None), 0, "The store is empty. Run 'frontier up'"),
        (feed_of(None, area="datasets"), 190, "None of the 190 papers of the starter set belongs to Datasets"),
        (feed_of(date(2025, 11, 22)), 9, "nothing on Saturdays and Sundays. Choose another day above"),
        (feed_of(date(2025, 11, 24)), 9, "No papers were announced on Monday, 24 November 2025. Choose"),
        (feed_of(date(2025, 11, 24), 412, "rl"), 9, "None of the 412 papers of this day reaches 50% relevance for"),
    ],
)
def test_an_empty_list_says_what_to_do(areas: Areas, feed: Feed, size: int, said: str) -> None:
    assert said in Checked(presenters.empty_day(feed, areas, has_days=True, store_size=size)).words


def test_days_without_papers_are_bars_of_no_height(services: Services) -> None:
    bars = presenters.volume_bars(services.volumes(), NOW.date(), lambda day: f"./?day={day}")
    assert bars.count('<a class="fr-volume') == 14
    assert bars.count("height:0.0%") == 4
    assert bars.index("day=2025-11-11") < bars.index("day=2025-11-24")
    assert presenters.volume_bars([], None, str) == ""


@pytest.mark.parametrize(
    ("count", "asked", "page"),
    [(100, "2", 2), (100, "", 1), (100, "99", 4), (100, "-1", 1), (100, "x", 1), (0, "3", 1), (26, "٢", 1)],
)
def test_the_page_asked_for_is_one_that_exists(count: int, asked: str, page: int) -> None:
    assert presenters.page_of(count, asked) == page


def test_the_pager_leads_both_ways() -> None:
    def link(n: int) -> str:
        return f"./?page={n}"

    assert presenters.pager(25, 1, link) == ""
    assert Checked(presenters.pager(60, 2, link)).links == ["./?page=1", "./?page=3"]
    assert Checked(presenters.pager(60, 3, link)).links == ["./?page=2"]


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (timedelta(seconds=5), "just now"), (timedelta(minutes=40), "40 minutes ago"),
        (timedelta(hours=2), "2 hours ago"), (timedelta(hours=35), "35 hours ago"), (timedelta(days=4), "4 days ago"),
    ],
)  # fmt: skip
def test_how_long_ago(then: timedelta, said: str) -> None:
    assert markup.ago(NOW - then, NOW) == said


# ---- one paper


def test_links_of_a_paper(services: Services) -> None:
    links = Checked("".join(presenters_paper.paper_links(services.detail("arxiv:2511.00001"))))
    assert links.links == [
        "https://arxiv.org/abs/2511.00001", "https://arxiv.org/pdf/2511.00001", "https://github.com/example/code",
    ]  # fmt: skip
    assert links.words == "arXivPDFcode"


def test_reasons_add_up(services: Services) -> None:
    why = services.why(services.detail("arxiv:2511.00001"))
    assert why is not None
    table = presenters.score_table(why)
    *parts, whole = (float(n) for n in re.findall(r"<td[^>]*><b>([\d.]+)</b>", table))
    assert sum(parts) == pytest.approx(why.score, abs=0.02)
    assert whole == round(why.score, 2)


def test_one_reading_makes_no_chart() -> None:
    at = datetime(2025, 11, 20, tzinfo=UTC)
    one = SignalReading(source="hf_daily", name="upvotes", at=at, value=3)
    later = SignalReading(source="hf_daily", name="upvotes", at=at + timedelta(days=2), value=0)
    assert presenters_paper.signal_charts([one]) == ""
    assert "from 3 to 0" in Checked(presenters_paper.signal_charts([one, later])).words
    assert len(re.findall(r"% ", presenters_paper.signal_charts([one, later]))) == 4


def test_a_paper_about_which_little_is_known(services: Services) -> None:
    words = Checked(markup.paper_link(paper()) + presenters.where(paper(year=1989), with_day=True)).words
    assert words == "On Meadows1989"


# ---- sources


def test_sources_tell_what_was_lost_the_worst_first(services: Services) -> None:
    rows = presenters.source_rows(services.health(), NOW)
    assert [(r.source, r.verdict) for r in rows] == [
        ("cvf", "degraded"), ("arxiv", "fresh"), ("hf_daily", "quiet"), ("reddit", "off"),
    ]  # fmt: skip
    assert ("expected", "2,871") in rows[0].numbers
    assert ("lost requests", "12") in rows[0].numbers
    assert len(rows[0].lost) == 13
    assert ("expected", "not said") in rows[2].numbers
    assert rows[3].meaning == "off in frontier.toml"
    assert "8 more" in Checked(presenters.source_cards(rows)).words


def test_sources_show_their_last_days(services: Services) -> None:
    days = {"arxiv": [Day(day=date(2025, 11, 23)), Day(day=date(2025, 11, 24), new=398, verdict="fresh")]}
    page = presenters.source_cards(presenters.source_rows(services.health(), NOW, days))
    assert "last 2 days ·█" in Checked(page).words
    assert "Mon 24 Nov 2025: 398 new, fresh" in page
    stalled = run("arxiv", standing="stalled", text="the batch is overdue")
    assert "something is overdue: the batch is overdue" in presenters.source_cards(
        presenters.source_rows([stalled], NOW)
    )


def test_a_report_of_another_shape_is_shown_all_the_same() -> None:
    odd = SourceRun(source="x", started_at=NOW, verdict="fresh", report={"lost": None, "expected": "many", "bad": []})
    assert "just now" in Checked(presenters.source_cards(presenters.source_rows([odd], NOW))).words
