"""What the daily mail says, before it has a form."""

from datetime import date

import pytest

from cron.digest import day_text, shorten, web_url

SATURDAY = date(2025, 11, 22)


def listed(digest):
    return {section.area: [e.paper_id for e in section.entries] for section in digest.sections}


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
    paper = ranked(1, title=r"\textbf{Bold} and \emph{fine}: $\mathcal{O}(n)$", abstract=r"\textit{(1) All:} {x}")
    entry = digest_of({"architectures": [paper]}).entries[0]
    assert entry.title == r"Bold and fine: $\mathcal{O}(n)$"
    assert entry.abstract == "(1) All: {x}"


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
    assert late.health_line == "1 of 2 sources answered in full: arxiv stalled: the batch was due"
    assert late.quiet == "Nothing came in. arxiv: stalled: the batch was due."


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
    cut = digest.cut(per_area=1, abstract_chars=50)
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
