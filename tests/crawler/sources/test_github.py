"""GitHub: repositories that name papers, pages of the search, and stars that are read again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from crawler.source import Brief, Failure, Page, Window
from crawler.sources.github import GitHubSource, from_config
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, MentionRecord, Signal

API = "https://api.github.com"
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
THREADS = Brief(threads=[("ada-quill/penguins", "https://x"), ("old/floe", "https://x"), ("not a name", "https://x")])


class Known(GitHubSource):
    def requests(self, cursor, window):
        return super().requests(cursor, replace(window, brief=THREADS))


def first(source=None, **window):
    (fetch,) = (source or GitHubSource()).requests({}, Window(now=NOW, brief=THREADS, **window))
    return fetch


def parsed(fetch, body):
    return list(GitHubSource().parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW)))


def test_repositories(fixture_bytes):
    outputs = parsed(first(), fixture_bytes("github_search.json"))
    assert outputs[0] == MentionRecord(
        source="github",
        source_id="ada-quill/penguins",
        channel="Python",
        title="ada-quill/penguins",
        url="https://github.com/ada-quill/penguins",
        author="ada-quill",
        excerpt="Official code of Counting Penguins (https://arxiv.org/abs/2603.01001)",
        published_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
        papers=(PaperId("arxiv", "2603.01001"), PaperId("openreview", "AbCdEfGhIj")),
        signals=(Signal(name="stars", value=420, at=NOW),),
    )
    assert (outputs[1].channel, outputs[1].papers) == ("repositories", (PaperId("arxiv", "2603.01002"),))
    bad = [o for o in outputs if isinstance(o, BadRecord)]
    assert [(b.where, b.problem) for b in bad] == [
        ("result 4 of the search", "not a repository's name: 'no name'"),
        ("result 5 of the search", "ada-quill/broken: stars are no number"),
    ]
    assert outputs[-2].text == "GitHub's search ran out of time and gave only some of its results"
    assert outputs[-1].url == f"{API}/repos/old/floe"  # the other known one was in the search
    assert len([o for o in outputs if isinstance(o, MentionRecord)]) == 2


def test_what_is_asked():
    fetch = first()
    assert fetch.url == (
        f"{API}/search/repositories?q=arxiv+in:description%2Creadme+created:>%3D2026-02-26"
        "&sort=stars&order=desc&per_page=100&page=1"
    )
    assert fetch.headers == {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    assert "created:2026-01-01..2026-01-31&" in first(since=date(2026, 1, 1), until=date(2026, 1, 31)).url
    with_token = first(GitHubSource("a secret"))
    assert with_token.headers["Authorization"] == "Bearer a secret"
    assert "a secret" not in repr(with_token)


def test_pages_and_known_repositories(play):
    def item(n):
        return {"full_name": f"ice/floe-{n}", "description": f"arXiv:2603.{n:05}", "stargazers_count": n}

    def answer(fetch):
        if "/repos/" in fetch.url:
            return 200, json.dumps({**item(7), "full_name": "new/name"}).encode()
        page = int(re.search(r"&page=(\d+)", fetch.url)[1])
        items = [item(n) for n in range(page * 100 - 99, min(page * 100, 250) + 1)]
        return 200, json.dumps({"total_count": 250, "incomplete_results": False, "items": items}).encode()

    run = play(Known(), answer, now=NOW)
    assert [u.rpartition("&")[2] for u in run.urls[:3]] == ["page=1", "page=2", "page=3"]
    assert [u.removeprefix(API) for u in run.urls[3:]] == ["/repos/ada-quill/penguins", "/repos/old/floe"]
    assert (len(run.mentions), run.cursor) == (252, {})
    assert [m.source_id for m in run.mentions[-2:]] == ["ada-quill/penguins", "old/floe"]  # renamed, and still the same
    assert all(f.conditional and f.can_wait for f in run.asked[3:])
    few = play(Known(pages=1, rereads_per_run=1), answer, now=NOW)
    assert len(few.asked) == 2
    quiet = play(Known(), lambda f: (304, b"") if "/repos/" in f.url else answer(f), now=NOW)
    assert len(quiet.mentions) == 250


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"message": "Validation Failed"}', b"[]", b'{"items": []}'])
def test_broken_pages(body):
    with pytest.raises(PageError):
        parsed(first(), body)
    known = list(GitHubSource().failed(Failure(fetch=first(), status=500, problem="HTTP 500")))[-1]
    with pytest.raises(PageError):
        parsed(known, body)


def test_losses():
    def told(source, fetch, status, body=b""):
        return list(source.failed(Failure(fetch=fetch, status=status, problem=f"HTTP {status}", body=body)))

    lost, *known = told(GitHubSource(), first(), 500)
    assert (lost.lost, lost.text) == (
        True,
        "the search for new repositories could not be read (HTTP 500); the next run asks again",
    )
    assert len(known) == 2  # stars are read all the same
    (limit,) = told(GitHubSource(), known[0], 403, b'{"message":"API rate limit exceeded for 192.0.2.1"}')
    assert "(HTTP 403: the allowance is used up; FRONTIER_GITHUB_TOKEN gives a larger one)" in limit.text
    (limit,) = told(GitHubSource("t"), first(), 429)
    assert "(HTTP 429: the allowance is used up)" in limit.text
    (refused,) = told(GitHubSource("t"), first(), 401)
    assert "the token in FRONTIER_GITHUB_TOKEN is refused" in refused.text
    (gone,) = told(GitHubSource(), known[0], 404)
    assert (gone.text, gone.lost) == ("the repository ada-quill/penguins is gone (404)", False)


def test_config():
    source = from_config({"days": 2, "pages": 1, "api_url": "http://127.0.0.1:1"}, {"FRONTIER_GITHUB_TOKEN": "t"})
    assert (source.days, source.pages, source.rereads_per_run) == (2, 1, 200)
    assert first(source).url.startswith("http://127.0.0.1:1/search/repositories?")
    with pytest.raises(ConfigError, match="should be from 0 to 10, not 11"):
        from_config({"pages": 11}, {})
    with pytest.raises(ConfigError, match=r"github\.token: unknown key"):
        from_config({"token": "x"}, {})


@pytest.mark.shared
def test_real_pages(shared):
    mentions = []
    for number in (1, 2):
        body = (shared / "recordings" / "github" / f"search_repositories_page{number}.json").read_bytes()
        found = json.loads(body)
        assert len(found["items"]) == 30
        for item in found["items"]:  # none names a paper: each is read as if it were asked for by itself
            known = replace(first(), context={"step": "repository", "repository": item["full_name"]})
            mentions += parsed(known, json.dumps(item).encode())
        outputs = parsed(first(), body)
        assert not any(isinstance(o, BadRecord | MentionRecord) for o in outputs)
    assert len(mentions) == 60
    assert all(m.signals[0].value > 0 and m.published_at and m.author for m in mentions)
