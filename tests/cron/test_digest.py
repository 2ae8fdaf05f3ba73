"""What the daily mail says, before it has a form."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cron.digest import EVENTS_SHOWN, EXPLORING, rising_of
from cron.health import since
from cron.profiles import Window
from cron.wording import day_text, own_link, shorten, since_text, web_url
from ranking.feed import Because, Near, Reason
from ranking.signals import liking
from ranking.trends import UNKNOWN, Change, Trend

SATURDAY = date(2025, 11, 22)
NOW = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)


def listed(digest):
    return {section.interest: [e.paper_id for e in section.entries] for section in digest.sections}


def test_each_area_lists_its_best_unsent_papers_in_order(digest_of, ranked):
    papers = [ranked(i, score=1 - i / 10) for i in range(1, 6)]
    digest = digest_of({"architectures": papers}, per_area=2, already_sent={1, 3})
    assert listed(digest) == {"architectures": [2, 4]}
    assert digest.paper_ids == (2, 4)
    assert digest.sections[0].more == 1  # paper 5; those sent before do not count
    assert digest.quiet == ""


def test_a_paper_stands_once_under_the_area_that_ranks_it_highest(digest_of, ranked):
    digest = digest_of(
        {
            "architectures": [ranked(1, score=0.6), ranked(2, score=0.5)],
            "learning": [ranked(1, score=0.9), ranked(3, score=0.4)],
        }
    )
    assert listed(digest) == {"architectures": [2], "learning": [1, 3]}
    assert digest.sections[0].also == (1,)
    assert digest.sections[1].also == ()


def test_the_first_area_does_not_take_what_another_wants(digest_of, ranked):
    shared = [ranked(i, score=0.9 - i / 100) for i in range(1, 5)]
    digest = digest_of({"architectures": shared, "learning": shared}, per_area=2)
    assert listed(digest) == {"architectures": [1, 2], "learning": [3, 4]}  # what found no room moves on


def test_an_area_whose_papers_all_stand_elsewhere_says_where(digest_of, ranked):
    digest = digest_of({"architectures": [ranked(1, score=0.9)], "datasets": [ranked(1, score=0.6)]})
    assert listed(digest) == {"architectures": [1], "datasets": []}
    assert digest.sections[1].also == (1,)


def test_equal_scores_give_the_same_digest_every_time(digest_of, ranked):
    areas = {"architectures": [ranked(1), ranked(2)], "learning": [ranked(2), ranked(1)]}
    assert digest_of(areas, per_area=1) == digest_of(areas, per_area=1)
    assert listed(digest_of(areas, per_area=1)) == {"architectures": [1], "learning": [2]}


def test_reasons_leave_out_what_holds_for_every_paper(digest_of, ranked):
    digest = digest_of({"architectures": [ranked(1, score=0.94, signals={"upvotes": 312}), ranked(2, score=0.5)]})
    assert [e.reasons for e in digest.entries] == ["Architectures 94% · 312 upvotes", "Architectures 50%"]


def test_a_small_chance_of_liking_is_no_reason(digest_of, ranked):
    def said(chance):
        reason = Reason(signal="personal", **{"weight": 1.0, "contribution": 0.1} | asdict(liking(chance)))
        return digest_of({"architectures": [ranked(1, reasons=(reason,))]}).entries[0].reasons

    assert [said(0.004), said(0.3)] == ["", "30% likely to be liked"]


def test_upvotes_are_told_even_when_attention_does_not_count(digest_of, ranked):
    digest = digest_of({"architectures": [ranked(1, reasons=(), signals={"upvotes": 1312.0})]})
    assert digest.entries[0].reasons == "1,312 upvotes"


def test_texts_are_clean_and_bounded(digest_of, ranked):
    hostile = "One\r\nBcc: x@example.org \u202eevil\u202c \x1b[31mred\x00 " + "long " * 500
    paper = ranked(1, title=hostile, authors=(hostile,) * 9, venue=hostile, key=hostile)
    digest = digest_of({"architectures": [paper]})
    entry = digest.entries[0]
    for text in (entry.title, entry.authors, entry.venue, entry.key):
        assert text.isprintable()
        assert len(text) <= 300
    assert entry.title.startswith("One Bcc: x@example.org evil red long")
    assert entry.title.endswith("long…")
    assert entry.authors.endswith(" and 5 more")


def test_latex_shapes_are_taken_off_and_formulas_stay(digest_of, ranked):
    paper = ranked(
        1, title=r"\textbf{Bold} and \emph{fine}: $\mathcal{O}(n)$", abstract=r"\textit{(1) All:} {x} by 14\% \& more"
    )
    entry = digest_of({"architectures": [paper]}).entries[0]
    assert entry.title == r"Bold and fine: $\mathcal{O}(n)$"
    assert entry.abstract == "(1) All: {x} by 14% & more"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://arxiv.org/abs/2511.00001", "https://arxiv.org/abs/2511.00001"),
        ("https://example.org/ä b?q=<x>#é", "https://example.org/%C3%A4%20b?q=%3Cx%3E#%C3%A9"),
        ("https://example.org/a%20b", "https://example.org/a%20b"),
        ("javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,<script>", ""),
        ("//example.org/x", ""),
        ("https://", ""),
        ("https://arxiv.org@evil.example/", ""),
        ('https://exa"mple.org/', ""),
        ("https://аrxiv.org/", ""),  # a Cyrillic a
        ("https://[broken", ""),
        ("https://example.org/" + "x" * 600, ""),
    ],
)
def test_only_plain_web_links_are_carried(url, link):
    assert web_url(url) == link


def test_a_paper_without_a_url_links_to_the_page_of_its_id(digest_of, ranked):
    papers = [
        ranked(1, url="", score=0.9),
        ranked(2, url="javascript:alert(1)", key="doi:10.1000/x", score=0.8),
        ranked(3, url="", key="mine-3", score=0.7),
    ]
    urls = [e.url for e in digest_of({"architectures": papers}).entries]
    assert urls == ["https://arxiv.org/abs/2511.00001", "https://doi.org/10.1000/x", ""]


def test_health_is_one_line(digest_of, source_run):
    well = [source_run("arxiv"), source_run("cvf", "quiet"), source_run("hf_daily"), source_run("feeds", "off")]
    assert digest_of({}, runs=well).health_line == "all 3 sources answered"
    assert digest_of({}, runs=well[:1]).health_line == "the only source answered"
    assert digest_of({}, runs=[]).health_line == "no source was asked"
    ill = [
        source_run("arxiv", "degraded", lost=["cs.CV: 503", "cs.LG: 503"], bad=2, expected=500, received=480),
        source_run("cvf", "failed", lost_requests=1),
        source_run("hf_daily", "degraded"),
        source_run("reddit", days_ago=3),
        source_run("openreview"),
    ]
    assert digest_of({}, runs=ill).health_line == (
        "1 of 5 sources answered in full: arxiv degraded: cs.CV: 503 (and 1 more); 2 entries unreadable;"
        " 480 of 500 papers received; cvf failed: 1 request lost;"
        " hf_daily degraded: the run does not say what was lost; reddit was not asked since Fri 21 Nov 2025"
    )


def test_overdue_is_trouble_and_waiting_is_not(digest_of, source_run):
    calm = [source_run("arxiv", "waiting", text="not out yet"), source_run("cvf", "quiet", text="a holiday")]
    digest = digest_of({"architectures": []}, runs=calm)
    assert (digest.health_line, digest.trouble) == ("all 2 sources answered", ())
    assert digest.quiet == "Nothing came in. arxiv: not out yet."
    assert digest_of({"architectures": []}, runs=calm[1:]).quiet == "Nothing new: cvf: a holiday."
    late = digest_of({"architectures": []}, runs=[source_run("arxiv", "stalled", text="the batch was due"), calm[1]])
    assert late.health_line == "all 2 sources answered; arxiv is stalled: the batch was due"
    assert late.quiet == "Nothing came in. arxiv is stalled: the batch was due."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"day": SATURDAY}, "Saturday: arXiv announces nothing at weekends"),
        ({}, "most likely a holiday"),
        ({"runs": []}, "No source was asked"),
        ({"announced": 40}, "40 papers announced, and none is close enough"),
        ({"announced": 40, "unscored": 38}, "38 of them could not be compared with your areas yet: run"),
    ],
)
def test_a_quiet_day_says_why(digest_of, changes, said):
    digest = digest_of({"architectures": []}, **changes)
    assert said in digest.quiet
    assert digest.entries == ()


def test_failed_sources_explain_a_quiet_weekend_before_the_weekend_does(digest_of, source_run):
    def quiet(*runs):
        return digest_of({"architectures": []}, day=SATURDAY, runs=runs).quiet

    assert "No source answered" in quiet(source_run("arxiv", "failed"), source_run("cvf", "failed"))
    assert "arxiv did not answer" in quiet(source_run("arxiv", "failed"), source_run("cvf", "quiet"))


def test_quiet_because_all_was_sent_before(digest_of, ranked):
    assert "in an earlier mail" in digest_of({"architectures": [ranked(1)]}, already_sent={1}).quiet


def test_no_areas_at_all(digest_of):
    assert "no focus area is configured" in digest_of({}, announced=3).quiet


def test_cut_keeps_the_best_and_counts_the_rest(digest_of, ranked):
    digest = digest_of({"architectures": [ranked(i, score=1 - i / 10) for i in range(1, 6)]}, per_area=4)
    cut = digest.cut(papers=1, abstract_chars=50)
    assert cut.paper_ids == (1,)
    assert cut.sections[0].more == 4
    assert len(cut.entries[0].abstract) <= 50


def test_days_are_english_and_texts_end_at_words():
    assert day_text(date(2025, 11, 3)) == "Mon 3 Nov 2025"
    assert day_text(date(2025, 11, 3), long=True) == "Monday 3 November 2025"
    assert shorten("one two three", 13) == "one two three"
    assert shorten("one two three", 12) == "one two…"
    assert shorten("x" * 30, 10) == "x" * 9 + "…"
    assert shorten("one", 0) == ""
    assert shorten("at a rate of $O(n^2)$ in all", 18) == "at a rate of…"
    assert shorten("at a rate of $O(n + m)$-time in all", 25) == "at a rate of…"
    assert shorten("a $" + "n" * 50 + "$ and more", 30) == "a $" + "n" * 26 + "…"
    assert shorten(f"${'n' * 50}$ and more", 10) == f"${'n' * 8}…"


# ---- interests


def test_a_paper_stands_under_its_best_interest_though_another_ranks_it_higher(digest_of, ranked):
    papers = {"search:7": [ranked(1, score=0.5)], "architectures": [ranked(1, score=0.9), ranked(2, score=0.6)]}
    digest = digest_of(papers, best={1: "search:7"})
    assert listed(digest) == {"search:7": [1], "architectures": [2]}
    assert [s.area for s in digest.sections] == ["", "architectures"]


def test_a_full_interest_leaves_a_paper_to_the_next_one(digest_of, ranked):
    papers = {"search:7": [ranked(1, score=0.9), ranked(2, score=0.8)], "architectures": [ranked(2, score=0.8)]}
    assert listed(digest_of(papers, per_area=1, best={2: "search:7"})) == {"search:7": [1], "architectures": [2]}


def test_the_minimum_leaves_papers_out_and_says_so(digest_of, ranked):
    papers = {"architectures": [ranked(1, score=0.7), ranked(2, score=0.4)]}
    digest = digest_of(papers, minimum=0.5)
    assert (listed(digest), digest.sections[0].more) == ({"architectures": [1]}, 0)
    assert "none that is new to you scores 0.9 or more, your minimum" in digest_of(papers, minimum=0.9).quiet
    assert "in an earlier mail" in digest_of(papers, minimum=0.9, already_sent={1, 2}).quiet


def test_a_share_of_the_places_explores_and_says_so(digest_of, ranked):
    papers = [ranked(i, score=1 - i / 100) for i in range(1, 30)]
    digest = digest_of({"architectures": papers}, per_area=8, explore=0.2)
    assert [(s.interest, len(s.entries)) for s in digest.sections] == [("architectures", 8), (EXPLORING, 2)]
    assert all("exploring: it is here to learn" in e.reasons for e in digest.sections[1].entries)
    assert len(set(digest.paper_ids)) == 10
    assert digest.sections[0].more == 19
    assert [s.interest for s in digest_of({"architectures": papers}).sections] == ["architectures"]


def test_what_bears_a_paper_out_is_asked_for_those_that_are_shown(digest_of, ranked):
    asked = []

    def explain(items):
        asked.extend(r.paper.id for r in items)
        because = Because(
            landmark=Near(key="x", title="A \u202eLandmark\n", cosine=0.7), words=("attention",), heard=("Reddit",)
        )
        return [replace(r, because=because) for r in items]

    papers = [ranked(i, score=1 - i / 10) for i in range(1, 6)]
    digest = digest_of({"architectures": papers}, per_area=2, explain=explain)
    assert asked == [1, 2]
    said = digest.entries[0].because
    assert said.startswith("talked of at Reddit · near the landmark A Landmark (0.70) · ")
    assert said.endswith("attention")


# ---- events, rising topics, absence, health


def test_events_are_shown_up_to_a_number_and_all_count(digest_of, an_event):
    digest = digest_of({}, events=[an_event(n, text=f"it\r\nhappened <{n}>") for n in range(1, EVENTS_SHOWN + 4)])
    assert digest.more_events == 3
    assert digest.event_ids == tuple(range(1, EVENTS_SHOWN + 4))
    assert digest.events[-1].text == f"it happened <{EVENTS_SHOWN + 3}>"
    assert not digest.is_quiet


def test_what_a_digest_without_news_is(digest_of, ranked, an_event, rising):
    assert digest_of({}).is_quiet
    assert not digest_of({"architectures": [ranked(1)]}).is_quiet
    assert not digest_of({}, events=[an_event()]).is_quiet
    assert not digest_of({}, rising=[rising]).is_quiet


def _change(direction, ratio=2.0):
    return Change(ratio=ratio, low=1.2, high=3.4, p=0.001, p_without=0.01, dispersion=1.0, direction=direction)


def test_only_what_its_test_says_is_rising(digest_of):
    def trend(papers, attention):
        return Trend(
            name="a topic", papers=(1, 2), paper_share=(0.01, 0.04), attention=(1, 2), attention_share=(0.1, 0.3),
            change=papers, attention_change=attention,
        )  # fmt: skip

    assert rising_of("x", trend(_change("steady"), _change("falling", 0.5))) is None
    assert rising_of("x", trend(UNKNOWN, UNKNOWN)) is None
    by_papers = rising_of("flow\nmatching", trend(_change("rising"), _change("rising")))
    assert (by_papers.name, by_papers.what, by_papers.shares) == ("flow matching", "papers", (0.01, 0.04))
    assert by_papers.said == "1.0% to 4.0% of all papers in 2 weeks, odds ×2.0 (1.2 to 3.4)"
    assert rising_of("x", trend(_change("steady"), _change("rising"))).what == "attention"
    assert len(digest_of({}, rising=[by_papers] * 9).rising) == 3


def test_a_stalled_source_answers_and_is_named_with_the_day_since_when(digest_of, source_run):
    runs = [*(source_run(f"source{n}") for n in range(13)), source_run("ecva", "stalled", text="silent for 6 days")]
    digest = digest_of({}, runs=runs, since={"ecva": date(2025, 11, 18)})
    assert digest.health_line == "all 14 sources answered; ecva is stalled since Tuesday: silent for 6 days"
    failed = digest_of({}, runs=[source_run("arxiv", "failed", lost=["503"])], since={"arxiv": date(2025, 11, 3)})
    assert failed.health_line == "0 of 1 sources answered in full: arxiv failed since Mon 3 Nov 2025: 503"


def test_a_run_that_began_shortly_before_midnight_is_todays(digest_of, source_run):
    runs = [source_run("arxiv", days_ago=1)]  # at 6:30
    assert "was not asked since" in digest_of({}, runs=runs).health_line
    lately = digest_of({}, runs=runs, asked_since=NOW - timedelta(hours=30))
    assert lately.health_line == "the only source answered"


def test_since_when_a_source_does_so():
    runs = [(NOW - timedelta(days=n), new, verdict) for n, new, verdict in (
        (6, 5, "fresh"), (5, 0, "failed"), (4, 2, "fresh"), (3, 0, "failed"), (2, 0, "off"), (1, 0, "failed"), (0, 0, "failed"),
    )]  # fmt: skip
    assert since(runs, "failed") == date(2025, 11, 21)
    assert since(runs, "stalled") == date(2025, 11, 20)
    assert since([], "failed") is None
    assert since_text(date(2025, 11, 18), date(2025, 11, 24)) == "Tuesday"
    assert since_text(date(2025, 11, 17), date(2025, 11, 24)) == "Mon 17 Nov 2025"
    assert since_text(date(2025, 11, 25), date(2025, 11, 24)) == "Tue 25 Nov 2025"  # a clock that jumped


def test_an_absence_is_said_only_where_there_was_one(digest_of):
    window = Window(first=date(2025, 11, 17), last=date(2025, 11, 24), missed=7, lost=3)
    assert "back to Mon 17 Nov 2025" in digest_of({}, window=window, last_sent=date(2025, 11, 13)).caught_up
    assert digest_of({}, last_sent=date(2025, 11, 23)).caught_up == ""


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("https://frontier.example.org/vote/abc.DEF-1_2", True),
        ("mailto:me@example.org?subject=like%3A%20x%20%5Bfrontier-vote%3Aabc%5D", True),
        ("javascript:alert(1)", False),
        ('https://example.org/"onclick="x', False),
        ("https://example.org/a b", False),
        ("https://example.org/\r\nBcc: x@example.org", False),
        ("https://example.org/>", False),
        ("mailto:me@example.org?subject=" + "x" * 900, False),
        ("", False),
    ],
)
def test_own_links_are_only_what_a_header_may_carry(link, kept):
    assert own_link(link) == (link if kept else "")


def test_three_thousand_authors_and_a_title_of_two_thousand_characters(digest_of, ranked):
    paper = ranked(1, title="word " * 400, authors=tuple(f"A{n} B" for n in range(3000)))
    [entry] = digest_of({"architectures": [paper]}).entries
    assert entry.authors == "A0 B, A1 B, A2 B, A3 B and 2,996 more"
    assert len(entry.title) <= 300
