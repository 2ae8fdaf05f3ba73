"""The pages behind the links of a mail: GET shows, POST acts, nothing in a paper's text gets out of it."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from html import unescape

import pytest
from lxml import html

from app import voting
from data.library import kinds_of
from tests.app.api.conftest import frontier_of
from tests.app.made_up import HOSTILE_TITLES, NOW, TODAY

CONFIG = '[serve]\npublic_url = "https://papers.example.org"\n[digest]\nto = "me@example.org"\n'


def vote(frontier, kind="like", name="arxiv:2511.00001"):
    """The path of a vote's link."""
    reader = frontier.open_reader()
    papers = reader.papers([reader.lookup(name)])
    reader.close()
    [of] = voting.vote_links(frontier, profile="default", day=TODAY, papers=papers).values()
    return of[kind].removeprefix("https://papers.example.org")


def unsubscribe(frontier, profile="default"):
    return voting.unsubscribe_link(frontier, profile).removeprefix("https://papers.example.org")


def library(frontier, name="arxiv:2511.00001"):
    reader = frontier.open_reader()
    paper = reader.lookup(name)
    found = kinds_of(reader, [paper]).get(paper, [])
    reader.close()
    return found


def shown(answer):
    """The heading, the texts and the buttons of a page."""
    page = html.fromstring(answer.text)
    heading = page.findtext(".//h1")
    return heading, [p.text_content() for p in page.iter("p")], [b.text for b in page.iter("button")]


def test_looking_changes_nothing_and_the_button_acts(frontier, client):
    path = vote(frontier)
    for _ in range(3):  # scanners and previews
        answer = client.get(path)
        assert client.head(path).status_code == 200
    heading, texts, buttons = shown(answer)
    assert (heading, buttons) == ("Like this paper?", ["Like"])
    assert texts == ["Mixture-of-Depths Attention for Long-Context Vision Transformers"]
    assert library(frontier) == []
    assert shown(client.post(path))[0] == "Liked."
    assert library(frontier) == ["like"]
    heading, _, buttons = shown(client.get(path))
    assert (heading, buttons) == ("Counted already", ["Undo"])


@pytest.mark.parametrize(
    ("kind", "asked", "said"),
    [
        ("dislike", "Dislike this paper?", "Disliked."),
        ("save", "Save this paper for later?", "Saved."),
        ("hide", "Hide this paper?", "Hidden."),
    ],
)
def test_every_vote_has_its_words(frontier, client, kind, asked, said):
    path = vote(frontier, kind)
    assert shown(client.get(path))[0] == asked
    assert shown(client.post(path))[0] == said
    assert library(frontier) == [kind]


def test_a_vote_is_taken_back_by_a_further_post(frontier, client):
    path = vote(frontier)
    page = html.fromstring(client.post(path).text)
    [form] = page.iter("form")
    assert (form.get("method"), form.get("action")) == ("post", "?undo")
    assert client.get(f"{path}?undo").status_code == 200
    assert library(frontier) == ["like"]  # to look changes nothing
    heading, _, buttons = shown(client.post(f"{path}?undo"))
    assert (heading, buttons, library(frontier)) == ("Taken back", [], [])
    heading, texts, buttons = shown(client.post(path))
    assert (heading, buttons, library(frontier)) == ("Counted already", [], [])
    assert texts[1] == "This link was used before, and taken back. It counts once."
    assert shown(client.post(f"{path}?undo"))[0] == "Nothing to take back"


def test_what_is_refused_is_told_on_a_page(frontier, client, serve, own_home):
    path = vote(frontier)
    for method in (client.get, client.post):
        answer = method(path[:-2] + "zz")
        assert (answer.status_code, shown(answer)[0]) == (404, "This vote was not counted")
        assert "This is no vote of Frontier's, or not all of it" in answer.text.replace("&#39;", "'")
    later = serve(frontier_of(own_home, FRONTIER_NOW=(NOW + timedelta(days=61)).isoformat()))
    answer = later.post(path)
    assert (answer.status_code, "a vote is good for 60 days" in answer.text) == (410, True)
    assert library(frontier) == []
    for name in own_home.glob("papers.sqlite*"):
        name.unlink()
    answer = client.get(path)
    assert (answer.status_code, "cannot be reached just now" in answer.text) == (503, True)
    frontier.open_store().close()
    answer = client.get(path)
    assert (answer.status_code, "is no longer in the store" in answer.text) == (410, True)


def test_hostile_papers_stay_text(made_up_home, tmp_path, serve):
    shutil.copytree(made_up_home, tmp_path / "home")
    (tmp_path / "home" / "frontier.toml").write_text(CONFIG, "utf-8")
    frontier = frontier_of(tmp_path / "home")
    client = serve(frontier)
    for n, title in enumerate(HOSTILE_TITLES):
        for answer in (client.get(path := vote(frontier, name=f"openreview:hostile00{n}")), client.post(path)):
            page = html.fromstring(answer.text)
            assert {e.tag for e in page.iter() if isinstance(e.tag, str)} <= {
                "html", "head", "meta", "title", "style", "body", "main", "h1", "p", "bdi", "form", "button",
            }  # fmt: skip
            assert not [a for e in page.iter() for a in e.attrib if a.startswith("on") or a in ("src", "href")]
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", unescape(answer.text))
            if n == 0:
                assert title in page.findtext(".//bdi")


def test_a_page_tells_nobody_of_its_address(frontier, client):
    for path in (vote(frontier), unsubscribe(frontier)):
        answer = client.get(path)
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
        assert (policy["default-src"], policy["form-action"], policy["frame-ancestors"]) == (
            "'none'",
            "'self'",
            "'none'",
        )
        assert "script-src" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert 'name="viewport" content="width=device-width, initial-scale=1"' in answer.text
        assert "<script" not in answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_other_methods(frontier, client):
    answer = client.delete(vote(frontier))
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "POST"})


def test_unsubscribing_asks_first(frontier, client):
    path = unsubscribe(frontier)
    assert shown(client.get(path)) == ("No more mails?", ["Digest: default."], ["Unsubscribe"])
    assert voting.unsubscribed(frontier) == set()
    assert shown(client.post(path))[::2] == ("Unsubscribed", ["Undo"])
    assert voting.unsubscribed(frontier) == {"default"}
    assert shown(client.get(path))[0] == "Unsubscribed"
    assert shown(client.post(f"{path}?undo"))[0] == "Mails are on again"
    assert voting.unsubscribed(frontier) == set()


def test_one_click_as_mail_programs_send_it(frontier, client):
    """RFC 8058, section 3.2: a POST with this body, without cookies, whose answer is no redirect."""
    answer = client.post(unsubscribe(frontier, "lab"), data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, voting.unsubscribed(frontier)) == (200, {"lab"})
    again = client.post(unsubscribe(frontier, "lab"), files={"List-Unsubscribe": (None, "One-Click")})
    assert (again.status_code, voting.unsubscribed(frontier)) == (200, {"lab"})


def test_a_vote_is_no_unsubscribe_link_nor_the_other_way_round(frontier, client):
    token, other = vote(frontier).removeprefix("/vote/"), unsubscribe(frontier).removeprefix("/unsubscribe/")
    for path in (f"/unsubscribe/{token}", f"/vote/{other}", "/unsubscribe/x", "/vote/%00%ff", "/vote/" + "a" * 5000):
        assert client.post(path).status_code == 404
    assert (library(frontier), voting.unsubscribed(frontier)) == ([], set())
