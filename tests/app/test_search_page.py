"""The search page: what its address asks, what it marks, counts, watches and takes away."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from app import annotating
from app.exports import FORMS
from app.markup import marked, paragraphs
from app.presenters import Areas
from app.presenters_search import (
    MOST_LIKED,
    Question,
    as_file,
    asked_chips,
    choices,
    count_line,
    counted_label,
    counts,
    file_name,
    likeness_links,
    name_of,
    query_words,
    question,
    watched_said,
)
from app.services import Found
from data.config import AreaConfig
from data.papers import Paper
from data.reader import Reader
from data.watching import Watch, watches
from tests.app import made_up
from tests.app.running import html, labelled, ran
from tests.app.screenshots import chromium, settled

SCRIPT = Path(__file__).resolve().parents[2] / "app" / "dashboard.py"
HOSTILE = '"><script>alert(1)</script>'

Open = Callable[..., AppTest]


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the search page over a FRONTIER_HOME with query parameters, and runs it."""

    def opened(home: Path, **parameters: str) -> AppTest:
        monkeypatch.setenv("FRONTIER_HOME", str(home))
        monkeypatch.setenv("FRONTIER_NOW", made_up.NOW.isoformat())
        app = AppTest.from_file(str(SCRIPT), default_timeout=30)
        app.run()
        app.switch_page("views/search.py")
        for name, value in parameters.items():
            app.query_params[name] = value
        return ran(app)

    return opened


def titles(page: str) -> list[str]:
    return re.findall(r"<h3><a[^>]*>(.*?)</a></h3>", page)


def a_paper(number: int = 1, **fields: object) -> Paper:
    known = {"id": number, "key": f"arxiv:2511.{number:05d}", "title": "On Meadows"}
    return Paper(**{**known, **fields})  # type: ignore[arg-type]


def a_hit(number: int = 1, scores: dict[str, float] | None = None, **fields: object) -> Found:
    return Found(paper=a_paper(number, **fields), ids=(), score=1.0, cosine=None, area_scores=scores or {})


# ---- marked words


@pytest.mark.parametrize(
    ("value", "words", "said"),
    [
        ("Attention heads", ["attention"], "<mark>Attention</mark> heads"),
        ("inattention", ["attention"], "inattention"),
        ("Transformers", ["transformer"], "<mark>Transformers</mark>"),
        ("a Transformer", ["transformers"], "a <mark>Transformer</mark>"),
        ("label  noise, noise", ["noise", "label noise"], "<mark>label  noise</mark>, <mark>noise</mark>"),
        ("state-space models", ["state space"], "<mark>state-space</mark> models"),
        ("AT&T amp", ["amp", "at&t"], "<mark>AT&amp;T</mark> <mark>amp</mark>"),
        ("<b>b</b> & <i>", ["b", "lt", "i"], "&lt;<mark>b</mark>&gt;<mark>b</mark>&lt;/<mark>b</mark>&gt; &amp; &lt;<mark>i</mark>&gt;"),
        ("the $x^{n}$ of n", ["n"], 'the <span class="fr-math"><i>x</i><sup><i>n</i></sup></span> of <mark>n</mark>'),
        ("基于大语言模型的研究", ["语言"], "基于大<mark>语言</mark>模型的研究"),
        ("plain", ["", " ", "-", "\x00"], "plain"),
        ("span class mark", ["span", "class", "mark"], "<mark>span</mark> <mark>class</mark> <mark>mark</mark>"),
        ("nothing", [], "nothing"),
    ],
)  # fmt: skip
def test_words_are_marked_after_escaping(value: str, words: list[str], said: str) -> None:
    assert marked(value, words) == said


def test_hostile_words_and_texts_bring_no_tag() -> None:
    page = paragraphs(f"{HOSTILE} (a|b) [c\n\n$\\frac{{1}}", [HOSTILE, "(a|b)", "[c", "\\", "mark", ".*"])
    assert set(re.findall(r"<(/?\w+)", page)) <= {"p", "/p", "mark", "/mark"}
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("the noise of labels", ("noise", "labels")),
        ('"label noise" -gan author:Chen year:2025', ("label noise", "label", "noise")),
        ("to be", ("to", "be")),
        ("a 3 d x", ("3",)),
        ("语言模型", ("语言", "言模", "模型")),
        ("author:Chen", ()),
        ("", ()),
    ],
)
def test_what_is_marked_of_a_query(query: str, words: tuple[str, ...]) -> None:
    assert query_words(query) == words


# ---- the address


FULL = Question(
    query="label noise", mode="semantic", area="rl", venue="CVPR", source="arxiv", since="2020", until="2024",
    like=("arxiv:1", "p2"), less=("doi:10.1/x",), unlike="medical images",
)  # fmt: skip


def test_an_address_asks_what_it_was_made_from() -> None:
    assert question(lambda name: FULL.address().get(name, ""), ["rl"], ["2020", "2024"]) == FULL
    assert question(lambda _: "", [], []) == Question()
    assert FULL.address(3)["page"] == "3"


def test_what_is_unknown_is_not_asked() -> None:
    asked = {"q": " x ", "mode": HOSTILE, "area": "nonsense", "since": "abc", "until": "1066", "like": "a b a"}
    assert question(lambda name: asked.get(name, ""), ["rl"], ["2020"]) == Question(query="x", like=("a", "b"))


def test_likeness_goes_by_meaning() -> None:
    assert Question(query="x", mode="keyword").how == "keyword"
    assert Question(query="x", mode="keyword", less=("p1",)).how == "hybrid"
    assert Question(query="x", mode="keyword", unlike="y").how == "hybrid"
    assert Question(like=("p1",)).how == "semantic"
    assert not Question(less=("p1",), venue="CVPR").asked


def test_more_and_less_rule_each_other_out() -> None:
    one, other = a_paper(1), a_paper(2)
    asked = Question(query="x", mode="keyword").more_like(one).more_like(other)
    assert asked.mode == "hybrid"
    assert asked.like == (one.key, other.key)
    assert asked.more_like(one).like == (other.key, one.key)
    turned = asked.less_like(one)
    assert (turned.like, turned.less) == ((other.key,), (one.key,))
    assert turned.more_like(one).less == ()
    many = Question()
    for number in range(MOST_LIKED + 5):
        many = many.more_like(a_paper(number))
    assert len(many.like) == MOST_LIKED
    assert many.like[-1] == "arxiv:2511.00014"


def test_an_id_with_spaces_is_named_shortly() -> None:
    assert name_of(a_paper(7, key="my paper")) == "p7"
    assert name_of(a_paper(7, key="x" * 200)) == "p7"
    assert name_of(a_paper(7)) == "arxiv:2511.00007"


AREAS = Areas({"rl": AreaConfig(title="Reinforcement learning"), "data": AreaConfig(title="Data sets")}, 0.5)


def test_each_chip_takes_its_own_condition_away() -> None:
    page = asked_chips(FULL, {"p2": HOSTILE}, AREAS)
    links = re.findall(r'href="\./search\?([^"]*)"', page)
    assert len(links) == 9
    assert "like=p2&amp;" in links[0]
    assert "like=arxiv%3A1&amp;" in links[1]
    assert "less=" not in links[2]
    assert "not=" not in links[3]
    assert [("area=" in x, "venue=" in x, "source=" in x) for x in links[4:7]] == [
        (False, True, True), (True, False, True), (True, True, False),
    ]  # fmt: skip
    assert "<script" not in page
    assert "Reinforcement learning" in page
    assert asked_chips(Question(query="x"), {}, AREAS) == ""


def test_a_year_is_one_choice() -> None:
    page = asked_chips(replace(FULL, since="2019", until="2019"), {}, AREAS)
    assert "Take away: year 2019" in page
    assert "since" not in page.replace("since=", "")
    line = count_line(Question(query="x"), 5, {"2019": 1, "2024": 4})
    assert line.startswith("Counts are of the 5 papers found. One year alone: <a ")
    assert re.findall(r'href="\./search\?([^"]*)"', line) == [
        "q=x&amp;since=2024&amp;until=2024", "q=x&amp;since=2019&amp;until=2019",
    ]  # fmt: skip
    assert "year alone" not in count_line(Question(query="x", since="2024", until="2024"), 4, {"2024": 4})
    assert count_line(Question(query="x"), 0, {}) == ""


def test_links_of_a_card_keep_the_question() -> None:
    page = likeness_links(FULL)(a_paper(9, title=HOSTILE))
    assert "<script" not in page
    more, less = re.findall(r'href="([^"]*)"', page)
    assert "q=label+noise" in more
    assert "like=arxiv%3A1+p2+arxiv%3A2511.00009" in more
    assert "less=doi%3A10.1%2Fx+arxiv%3A2511.00009" in less


# ---- counts, export, words


def test_counts_are_of_what_was_found() -> None:
    hits = [
        a_hit(1, {"rl": 0.9, "data": 0.4}, venue="CVPR", date=date(2024, 5, 1)),
        a_hit(2, {"rl": 0.5}, venue="ICLR", date=date(2024, 6, 1)),
        a_hit(3, venue="CVPR"),
    ]
    found = counts(hits, {"arxiv": 3}, AREAS)
    assert (found.area, found.venue, found.year) == ({"rl": 2}, {"CVPR": 2, "ICLR": 1}, {"2024": 2})
    assert choices(["ICML", "ICLR"], found.venue, "Odd") == ["", "Odd", "CVPR", "ICLR", "ICML"]
    assert counted_label("CVPR", 1200) == "CVPR (1,200)"
    assert counted_label("CVPR", 0) == "CVPR"


def test_equal_bibtex_keys_are_told_apart() -> None:
    hits = [a_hit(n, authors=("Ada Okafor",), year=2025, title="Meadows {and} 50% & more") for n in (1, 2, 3)]
    keys = re.findall(r"@misc\{([^,]+),", as_file(hits, "bibtex"))
    assert keys == ["okafor2025meadows", "okafor2025meadows-2", "okafor2025meadows-3"]
    assert as_file([], "bibtex") == as_file([], "jsonl") == ""


def test_lines_are_one_paper_each() -> None:
    lines = as_file([a_hit(1, title="A\u2028B"), a_hit(2)], "jsonl").split("\n")
    assert [json.loads(line)["id"] for line in lines[:-1]] == ["arxiv:2511.00001", "arxiv:2511.00002"]
    assert lines[-1] == ""


def test_files_are_named_by_the_query() -> None:
    assert file_name(Question(query="../Label noise?")) == "frontier-label-noise"
    assert file_name(Question(query="模型")) == "frontier-search"
    assert len(file_name(Question(query="word " * 50))) <= 60


def test_a_watch_says_what_it_leaves_out() -> None:
    assert "Not watched for: source, until, likeness" in watched_said(FULL, True)
    assert "without" not in watched_said(Question(query="x", venue="CVPR"), True)
    assert watched_said(Question(query="x"), False).startswith("Already watched")


# ---- the page


def test_the_words_of_the_query_are_marked(search: Open, made_up_home: Path) -> None:
    page = html(search(made_up_home, q='"heavy-tailed" momentum baseline', mode="keyword"))
    assert "<mark>baseline</mark>" in page
    assert "<mark>Momentum</mark>" in page


def test_filters_show_counts_and_hold_at_once(search: Open, made_up_home: Path) -> None:
    app = search(made_up_home, q="attention", mode="keyword")
    venue = labelled(app.selectbox, "Venue")
    counted = next(o for o in venue.options if o.startswith("NeurIPS ("))  # type: ignore[attr-defined]
    said = int(counted.removeprefix("NeurIPS (").removesuffix(")"))
    venue.select("NeurIPS")  # type: ignore[attr-defined]
    page = html(ran(app))
    assert app.query_params["venue"] == "NeurIPS"
    assert len(titles(page)) == page.count("<b>NeurIPS 20") == said > 0
    assert "Take away: venue NeurIPS" in page
    labelled(app.selectbox, "Venue").select("")  # type: ignore[attr-defined]
    ran(app)
    assert "venue" not in app.query_params


def test_a_source_is_a_filter(search: Open, made_up_home: Path) -> None:
    page = html(search(made_up_home, q="attack", mode="keyword", source="openreview"))
    assert "Attack &lt;script&gt;" in page
    assert "Nothing found" in html(search(made_up_home, q="attack", mode="keyword", source="arxiv"))


def test_more_like_a_paper(search: Open, made_up_home: Path) -> None:
    page = html(search(made_up_home, like="arxiv:2511.00001"))
    assert "by meaning" in page
    assert len(titles(page)) == 25
    assert "data-fr-id" in page
    assert "less like" not in page
    assert '<span class="fr-muted">more like</span> <bdi>Mixture-of-Depths Attention' in page
    first = re.search(r'less=([^"&]+)"[^>]*>Less like this', page)
    assert first
    away = html(search(made_up_home, like="arxiv:2511.00001", less=first[1].replace("%3A", ":")))
    assert titles(away) != titles(page)


@pytest.mark.parametrize("name", ["arxiv:2512.99999", HOSTILE, "p999999"])
def test_likeness_to_an_unknown_paper_is_one_line(search: Open, made_up_home: Path, name: str) -> None:
    page = html(search(made_up_home, like=name))
    assert 'role="alert"' in page
    assert "<script" not in page


def test_another_query_forgets_what_results_were_to_be_like(search: Open, made_up_home: Path) -> None:
    app = search(made_up_home, q="?", mode="keyword", less="p999999")
    assert 'role="alert"' in html(app)
    assert "Take away: less like p999999" in html(app)
    app.text_input[0].input("momentum")
    labelled(app.button, "Search").click()  # type: ignore[attr-defined]
    assert "Orthogonalised" in html(ran(app))
    assert "less" not in app.query_params


def test_a_page_is_a_permalink(search: Open, made_up_home: Path) -> None:
    page = html(search(made_up_home, q="attention", mode="keyword", venue="NeurIPS"))
    assert 'href="./search?' in page
    for link in re.findall(r'href="\./search\?([^"]*)"', page):
        assert "q=attention" in link


def test_the_result_can_be_taken_away(search: Open, made_up_home: Path) -> None:
    app = search(made_up_home, q="momentum", mode="keyword")
    assert [b.proto.label for b in app.get("download_button")] == [kind.label for kind in FORMS.values()]
    assert not search(made_up_home, q="zzzzxq", mode="keyword").get("download_button")


def test_a_search_is_watched_and_no_longer(search: Open, own_home: Path) -> None:
    app = search(own_home, q="label noise", mode="keyword", venue="NeurIPS", until="2025")
    labelled(app.button, "Watch this search").click()  # type: ignore[attr-defined]
    page = html(ran(app))
    assert "Watched from now on" in page
    assert "Not watched for: until" in page
    [watch] = watched(own_home)
    assert (watch.kind, watch.value, watch.where.venues) == ("search", "label noise", ("NeurIPS",))
    assert "Watched from now on" not in html(ran(app))
    labelled(app.button, "Stop watching").click()  # type: ignore[attr-defined]
    assert "No longer watched" in html(ran(app))
    assert watched(own_home) == []


def test_what_cannot_be_watched_is_one_line(search: Open, own_home: Path) -> None:
    app = search(own_home, q="?", mode="keyword")
    labelled(app.button, "Watch this search").click()  # type: ignore[attr-defined]
    assert "No word to search for" in html(ran(app))


def test_a_store_that_is_written_is_one_line(search: Open, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotating, "WAITS_S", 0.1)
    app = search(own_home, q="label noise", mode="keyword")
    with closing(sqlite3.connect(own_home / "papers.sqlite", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        labelled(app.button, "Watch this search").click()  # type: ignore[attr-defined]
        page = html(ran(app))
        writer.execute("ROLLBACK")
    assert "is locked by another process" in page
    assert "Nine Vision Benchmarks" in page
    assert watched(own_home) == []


def watched(home: Path) -> list[Watch]:
    reader = Reader(home / "papers.sqlite")
    try:
        return watches(reader)
    finally:
        reader.close()


# ---- in a browser


@pytest.mark.browser
def test_search_watch_and_come_back(own_url: str, own_home: Path) -> None:
    with chromium() as browser:
        page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
        page.goto(f"{own_url}/search?mode=keyword")
        settled(page)
        page.get_by_label("Search", exact=True).fill("heavy-tailed noise")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=heavy-tailed*")
        page.locator(".fr-card").first.wait_for()
        page.locator(".fr-card summary").first.click()
        assert page.locator(".fr-card mark").first.inner_text() != ""
        page.get_by_role("button", name="Watch this search").click()
        expect(page.get_by_text("Watched from now on")).to_be_visible()
        first = page.locator(".fr-card h3").first.inner_text()
        page.goto(page.url)
        settled(page)
        expect(page.get_by_role("button", name="Stop watching")).to_be_visible()
        assert page.locator(".fr-card h3").first.inner_text() == first
        with page.expect_download() as taken:
            page.get_by_role("button", name="Export these").click()
            page.get_by_role("button", name="BibTeX").click()
        assert Path(taken.value.path()).read_text("utf-8").startswith("@")
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    assert len(watched(own_home)) == 1
