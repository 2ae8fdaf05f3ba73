"""The digest as a mail, read back by the parsers that mail programs use."""

from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import pytest

from cron.digest import EventLine
from cron.render import LIMIT_BYTES, fitted, render_html, render_mail, render_preview, render_text, subject, wrapped
from data.errors import ConfigError, UsageError

NOW = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)
TO = "Me <me@example.org>"
SENDER = "Frontier <frontier@mail.example.org>"


def parsed(digest, *, to=TO, sender=SENDER):
    raw = render_mail(digest, to=to, sender=sender, now=NOW).as_bytes()
    assert raw.isascii()
    assert len(raw) < LIMIT_BYTES
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))  # RFC 5322, 2.1.1
    return message_from_bytes(raw, policy=default)


def parts(message):
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


class Page(HTMLParser):
    """The tags, links and text that a browser would find."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


def columns(text):
    return max(sum(2 if ord(c) > 0x2E80 else 1 for c in line) for line in text.splitlines())


def test_the_headers(a_digest):
    message = parsed(a_digest)
    assert message["Subject"] == "Frontier, Mon 24 Nov 2025: 4 papers"
    assert (message["From"], message["To"]) == (SENDER, TO)
    assert message["Date"].datetime == NOW
    assert message["List-Id"] == "Frontier <frontier.mail.example.org>"
    assert (message["Precedence"], message["Auto-Submitted"]) == ("bulk", "auto-generated")
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert not message.defects


def test_the_message_id_is_that_of_recipient_and_day(a_digest, digest_of):
    def id_of(digest, **changes):
        return parsed(digest, **changes)["Message-ID"]

    first = id_of(a_digest)
    assert first.startswith("<20251124.")
    assert first.endswith("@frontier.mail.example.org>")
    assert id_of(digest_of({})) == first  # another content of the same day
    assert id_of(a_digest, to="me@EXAMPLE.org") == first
    assert id_of(a_digest, to="you@example.org") != first
    assert id_of(digest_of({}, day=date(2025, 11, 25))) != first


def test_the_message_id_survives_a_long_domain(a_digest):
    domain = ".".join(["x" * 60] * 3) + ".example"
    message = parsed(a_digest, sender=f"f@{domain}")
    assert message["Message-ID"].strip().endswith(f"@frontier.{domain}>")
    assert message["From"].addresses[0].addr_spec == f"f@{domain}"


@pytest.mark.parametrize("name", ["Doe, J. <the> first", "张三" * 30, 'a "quoted" ; name: ' + "long " * 30])
def test_any_display_name_stays_a_name(a_digest, name):
    quoted = name.replace("<", "(").replace(">", ")").replace('"', '\\"')
    message = parsed(a_digest, to=f'"{quoted}" <me@example.org>')
    assert [a.addr_spec for a in message["To"].addresses] == ["me@example.org"]
    assert message["Bcc"] is None


def test_an_address_cannot_bring_headers(a_digest):
    for to, sender in (("me@example.org\nBcc: x@example.org", SENDER), (TO, "f@example.org\r\n\r\nbody")):
        with pytest.raises(ConfigError):
            render_mail(a_digest, to=to, sender=sender, now=NOW)


def test_both_parts_hold_every_paper_with_reasons_and_links(a_digest):
    plain, html = parts(parsed(a_digest))
    page = Page(html)
    for entry in a_digest.entries:
        for text in (plain, page.text):
            assert entry.title in text
            assert entry.reasons in text
            assert entry.key in text
        assert entry.url in plain
        assert entry.url in page.links
    assert "4 new papers, chosen from 431 announced" in plain
    assert "All 3 sources answered." in plain
    assert "all 3 sources answered" in page.text
    assert "312 upvotes" in plain
    assert "https://github.com/example/code" in page.links
    assert " 4. Made-up Method 4" in plain
    assert "CVPR 2025" in plain


def test_the_html_is_ready_for_light_and_dark_and_loads_nothing(a_digest):
    html = render_html(a_digest)
    page = Page(html)
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "prefers-color-scheme: dark" in html
    assert not {"img", "script", "link", "iframe", "form", "object"} & set(page.tags)
    assert "url(" not in html
    assert "@import" not in html


def test_formulas_are_set_in_the_html_and_stay_in_the_text(digest_of, ranked):
    paper = ranked(1, title="A rate of $O(n^2)$ <b>", abstract=r"Let $x_t \in \mathbb{R}$ & <script>alert(1)</script>.")
    digest = digest_of({"architectures": [paper]})
    entry = replace(digest.entries[0], because="near the landmark $k$-means")
    event = EventLine(paper_id=1, day=NOW.date(), text="cited by “On $k$-means”", url="")
    digest = replace(digest, sections=(replace(digest.sections[0], entries=(entry,)),), events=(event,))
    html, text = render_html(digest), render_text(digest)
    assert "A rate of <i>O</i>(<i>n</i><sup>2</sup>) &lt;b&gt;" in html
    assert "<sub><i>t</i></sub> ∈ ℝ" in html
    assert "$" not in html[html.index("<h3") :]  # before it, the line that mail programs show in their list
    assert "script" not in Page(html).tags
    assert r"$x_t \in \mathbb{R}$" in text


def test_the_plain_text_is_wrapped_and_keeps_links_whole(digest_of, ranked):
    link = "https://example.org/" + "x" * 200
    text = render_text(
        digest_of(
            {
                "architectures": [
                    ranked(1, title="字" * 120, url=link, score=0.9),
                    ranked(2, title="w" * 250, url="", key="mine"),
                ]
            }
        )
    )
    assert link in text
    assert columns("\n".join(line for line in text.splitlines() if link not in line)) <= 78
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_wrapping():
    assert wrapped("one two", 4, "12.") == "12. one two"
    assert wrapped("", 4) == ""
    assert wrapped("a" * 80, 4) == "    " + "a" * 74 + "\n    " + "a" * 6
    assert wrapped("e\u0301" * 78) == "e\u0301" * 78  # accents take no column
    assert wrapped("字" * 40).split("\n") == ["字" * 39, "字"]


HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">x</a>',
    "{{ 7 * 7 }}{% raw %}",
    "Title\r\nBcc: victim@example.org\r\n\r\n--boundary",
    "\u202egnp.exe\u202c and \u2066isolated\u2069 and \u200bnothing",
    "👩‍🔬🚀 emoji 🏳️‍🌈",
    "مسار جديد نحو تعلم عميق",
    "\x00\x1b]0;title\x07\x1b[31m \ud800 \ufffe",
    ".\r\n.\r\nQUIT",
    "&amp;lt;b&amp;gt; &#x202e;",
    "x" * 20_000,
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_only_text(digest_of, ranked, source_run, text):
    paper = ranked(
        1, title=text, abstract=text * 20, authors=(text, "B"), venue=text, url=text, code_urls=(text,), key=text or "k"
    )
    digest = digest_of(
        {"architectures": [paper, ranked(2)]},
        titles={"architectures": text or "A"},
        runs=[source_run("arxiv", "failed", lost=[text])],
        dashboard_url=text,
    )
    plain, html = parts(message := parsed(digest))
    page = Page(html)
    head, body = {"html", "head", "meta", "title", "style", "body"}, {"h1", "h2", "h3", "p", "div", "a", "b", "span"}
    assert set(page.tags) <= head | body
    assert set(page.links) == {"https://arxiv.org/abs/2511.00002"}
    assert message["Bcc"] is None
    assert not message.defects
    assert "49" not in digest.entries[0].title
    for bad in "\u202e\u2066\u200b\x00\x1b":
        assert bad not in plain
        assert bad not in html


def test_two_hundred_papers_fit_and_what_is_left_out_is_counted(digest_of, ranked):
    digest = digest_of(
        {area: [ranked(n + i, area=area, title=f"{i} " + "Überlänge & <mehr> " * 12) for i in range(100)]
         for n, area in ((0, "architectures"), (200, "learning"))}, per_area=100,
    )  # fmt: skip
    small = fitted(digest)
    assert len(digest.entries) == 200
    assert 20 < len(small.entries) < 200
    assert [len(s.entries) + s.more for s in small.sections] == [100, 100]
    assert all(s.entries == tuple(e for e in s.entries if e.score) for s in small.sections)
    plain, _ = parts(parsed(digest))
    assert f"{small.sections[0].more} more: frontier feed --area architectures --day 2025-11-24" in plain
    assert fitted(small) == small
    assert subject(small) == f"Frontier, Mon 24 Nov 2025: {len(small.entries)} papers"


def test_the_worst_texts_still_fit(digest_of, ranked):
    worst = {"title": "<\"&'é字" * 60, "authors": ("字" * 60,) * 9, "venue": "&" * 60, "abstract": "字" * 900}
    areas = {f"a{n}": [ranked(n * 100 + i, **worst) for i in range(5)] for n in range(12)}
    assert fitted(digest_of(areas)).entries
    parsed(digest_of(areas))


def test_a_usual_day_is_not_cut(a_digest):
    assert fitted(a_digest) == a_digest


def test_quiet_days(digest_of, source_run):
    message = parsed(digest_of({"architectures": []}, day=date(2025, 11, 22)))
    assert message["Subject"] == "Frontier, Sat 22 Nov 2025: nothing new"
    for text in parts(message):
        assert "arXiv announces nothing at weekends" in " ".join(text.split())
    failed = digest_of({}, runs=[source_run("arxiv", "failed", lost=["listing: 503"]), source_run("cvf")])
    assert subject(failed) == "Frontier, Mon 24 Nov 2025: nothing new, arxiv did not answer"
    for text in parts(parsed(failed)):
        assert "1 of 2 sources answered in full" in text
        assert "listing: 503" in text
    both = digest_of({}, runs=[source_run("arxiv", "failed"), source_run("cvf", "failed")])
    assert subject(both) == "Frontier, Mon 24 Nov 2025: nothing new, 2 sources did not answer"


def test_papers_that_stand_elsewhere_are_pointed_to_by_number(digest_of, ranked):
    digest = digest_of({"architectures": [ranked(1, score=0.9)], "datasets": [ranked(1, score=0.6)]})
    assert "Also here: no. 1" in render_text(digest)
    assert "Also here: no. 1" in render_html(digest)
    assert subject(digest).endswith(": 1 paper")


def test_previews_by_suffix(a_digest):
    def preview(suffix):
        return render_preview(a_digest, suffix, to=TO, sender=SENDER, now=NOW)

    assert preview(".html").decode().startswith("<!DOCTYPE html>")
    assert preview(".TXT").decode().startswith("Frontier, Monday 24 November 2025\n")
    assert message_from_bytes(preview(".eml"), policy=default)["To"] == TO
    with pytest.raises(UsageError, match=r"\.pdf"):
        preview(".pdf")


# ---- votes, threads, lists, charts

VOTES = {kind: f"https://frontier.example.org/vote/{kind}.{'t' * 160}" for kind in ("like", "dislike", "save", "hide")}


def test_votes_stand_under_each_paper_in_both_parts(a_digest):
    digest = a_digest.with_votes({1: VOTES, 2: {"like": "javascript:alert(1)"}})
    plain, html = render_text(digest), render_html(digest)
    page = Page(html)
    for kind, link in VOTES.items():
        assert f"    {kind.capitalize()}: {link}\n" in plain
        assert link in page.links
    assert "javascript" not in html
    assert [bool(e.votes) for e in digest.entries] == [True, False, False, False]


def test_a_vote_by_mail_may_be_long(a_digest):
    link = f"mailto:me@example.org?subject=like%3A%20{'%F0%9F%9A%80' * 60}%20%5Bfrontier-vote%3A{'t' * 200}%5D"
    plain, html = parts(parsed(a_digest.with_votes({1: {"like": link}})))
    assert link in plain
    assert link in html


def test_a_long_unsubscribe_link_stays_whole(digest_of):
    link = "https://frontier.example.org/unsubscribe/" + "t" * 800
    message = parsed(digest_of({}, unsubscribe_url=link))
    raw = render_mail(digest_of({}, unsubscribe_url=link), to=TO, sender=SENDER, now=NOW).as_bytes()
    assert f"List-Unsubscribe: <{link}>\r\n".encode() in raw
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("link", ["mailto:me@example.org?subject=unsubscribe", "http://frontier.example.org/u/x"])
def test_one_click_needs_https(digest_of, link):
    message = parsed(digest_of({}, unsubscribe_url=link))
    assert message["List-Unsubscribe"] == f"<{link}>"
    assert message["List-Unsubscribe-Post"] is None


def test_without_a_way_back_nothing_is_offered(digest_of):
    message = parsed(digest_of({}, unsubscribe_url="https://x.example/\r\nBcc: y@example.org"))
    assert message["List-Unsubscribe"] is None
    assert message["Bcc"] is None
    assert "No more of these mails" not in parts(message)[0]


def test_a_thread_holds_message_ids_only(digest_of):
    message = parsed(digest_of({}, thread=("<a@example.org>", "<b@example.org>")))
    assert (message["In-Reply-To"], message["References"]) == ("<b@example.org>", "<a@example.org> <b@example.org>")
    odd = parsed(digest_of({}, thread=("<a@example.org>\r\nBcc: x@example.org", "no id")))
    assert odd["In-Reply-To"] is odd["References"] is odd["Bcc"] is None


def test_a_profile_has_message_ids_of_its_own(digest_of):
    one, other = (parsed(digest_of({}, recipient=name))["Message-ID"] for name in ("me@example.org", "lab"))
    assert one == parsed(digest_of({}))["Message-ID"] != other


def test_a_chart_is_made_of_cells_and_of_characters(digest_of, rising):
    plain, html = parts(parsed(digest_of({}, rising=[rising])))
    assert "▂▁▄▃▆█" in plain
    assert rising.said in " ".join(plain.split())
    assert html.count('class="bar"') == 6
    assert f'aria-label="{rising.said}"' in html
    assert "height:30px" in html.replace(" ", "")


def test_the_subject_counts_events(digest_of, ranked, an_event):
    assert subject(digest_of({"architectures": [ranked(1)]}, events=[an_event()])).endswith(": 1 paper, 1 event")
    assert subject(digest_of({}, events=[an_event()])).endswith(": no new paper, 1 event")
    assert subject(digest_of({}, weekly=True)) == "Frontier, week to Mon 24 Nov 2025: nothing new"


def test_a_stalled_source_alone_is_no_alarm(digest_of, source_run):
    runs = [source_run("arxiv"), source_run("ecva", "stalled", text="silent for 6 days")]
    plain, html = parts(parsed(digest_of({}, runs=runs, since={"ecva": date(2025, 11, 18)})))
    assert "All 2 sources answered; ecva is stalled since Tuesday: silent for 6 days." in plain
    assert 'class="alarm"' not in html


def test_more_leads_to_the_dashboard_where_it_has_an_address(digest_of, ranked):
    digest = digest_of({"architectures": [ranked(i) for i in range(1, 9)]}, dashboard_url="https://dash.example.org/")
    assert "https://dash.example.org/?area=architectures&day=2025-11-24" in Page(render_html(digest)).links


def test_styles_are_in_the_elements_and_dark_rules_stay(a_digest):
    html = render_html(a_digest)
    assert html.count("<style>") == 1
    assert "<h1 style=" in html
    assert html.index("@media") < html.index("</style>")


def test_sixty_interests_with_votes_and_everything_else_stay_under_the_limit(
    digest_of, ranked, an_event, rising, source_run
):
    worst = {"title": "<\"&'é字" * 60, "authors": ("字" * 60,) * 9, "venue": "&" * 60, "abstract": "字" * 900}
    areas = {f"search:{n}": [ranked(n * 100 + i, **worst) for i in range(5)] for n in range(60)}
    digest = digest_of(
        areas,
        titles=dict.fromkeys(areas, "字" * 60),
        events=[an_event(n, text="字" * 900) for n in range(1, 40)],
        rising=[rising] * 3,
        runs=[source_run(f"source{n}", "failed", lost=["字" * 900]) for n in range(20)],
        unsubscribe_url="https://frontier.example.org/" + "u" * 800,
        thread=("<" + "x" * 200 + "@example.org>",) * 6,
    )
    voted = fitted(digest.with_votes(dict.fromkeys(digest.paper_ids, VOTES)))
    assert 0 < len(voted.entries) < 60
    assert sum(len(s.entries) + s.more for s in voted.sections) + voted.left_out == 300
    assert "of other interests found no room" in parts(parsed(voted))[0]
