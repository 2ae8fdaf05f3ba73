"""Feeds of every kind: exact mentions, what is refused, and a corpus of real and odd feeds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.source import Notice, Page, Window
from crawler.sources._threads import EXCERPT
from crawler.sources.feeds import FeedEntry, FeedsSource, from_config, papers_of_article, shipped_feeds
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, MentionRecord

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
SOURCE = FeedsSource([FeedEntry(name="ice", url="https://ice.example.org/feed")])


def parsed(body: bytes, headers=None, url: str = "https://ice.example.org/feed", **more) -> list:
    (fetch,) = SOURCE.requests({}, Window(now=NOW))
    page = Page(fetch=fetch, url=url, body=body, headers=headers or {}, fetched_at=NOW, **more)
    return list(SOURCE.parse(page))


def test_rss(fixture_bytes):
    first, second, third = parsed(fixture_bytes("feed_rss2.xml"))
    assert first == MentionRecord(
        source="feeds",
        source_id="ice ice-1",
        channel="ice",
        title="Two papers on penguins",
        url="https://ice.example.org/posts/1",
        author="Kit Lund",
        excerpt="A short note.",
        published_at=datetime(2026, 3, 4, 2, tzinfo=UTC),
        papers=(
            PaperId("arxiv", "2603.01001"),
            PaperId("openreview", "AbCdEfGhIj"),
            PaperId("arxiv", "2603.01002"),
        ),
    )
    assert (second.title, second.url, second.papers) == ("Nothing about papers", "", ())
    assert third.source_id.startswith("ice ice-1 ")


def test_atom(fixture_bytes):
    (mention,) = parsed(fixture_bytes("feed_atom.xml"))
    assert mention == MentionRecord(
        source="feeds",
        source_id="ice tag:ice.example.org,2026:1",
        channel="ice",
        title="On <masks> and penguins",
        url="https://ice.example.org/blog/posts/1.html",
        author="Chi Rho",
        excerpt="Read it.",
        published_at=datetime(2026, 3, 4, 10, tzinfo=UTC),
        papers=(PaperId("doi", "10.9999/penguin.1"),),
    )


def test_json_feed(fixture_bytes):
    first, second, bad = parsed(fixture_bytes("feed.json"))
    assert (first.source_id, first.author, first.excerpt) == ("ice 7", "Ada Quill, Chi Rho", "Seven penguins")
    assert first.papers == (PaperId("arxiv", "2603.01001"),)
    assert (second.excerpt, second.published_at, second.author) == ("No title, no link", None, "Kit Lund")
    assert bad == BadRecord(source="feeds", where="ice: item 3", problem="a str, not an object")


def test_a_feed_that_breaks_off_keeps_its_entries(fixture_bytes):
    body = fixture_bytes("feed_rss2.xml")
    *entries, notice = parsed(body[: body.index(b"The same id")])
    assert len(entries) >= 2
    assert isinstance(notice, Notice)
    assert not notice.lost
    with pytest.raises(PageError):
        parsed(body[: body.index(b"<item>")])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body><h1>Service temporarily unavailable</h1></body></html>",
        b"<!DOCTYPE html><html><head><title>x</title></head><body></body></html>",
        b"Rate exceeded.\n",
        b"/etc/passwd",
        b"http://127.0.0.1:1/feed",
        b'{"items": []}',
        b'{"version": "https://jsonfeed.org/version/1", "items": {}}',
        b"[1, 2]",
        b'{"version": ',
        b"\xff\xfe\x00\x00",
    ],
)
def test_what_is_no_feed(body):
    with pytest.raises(PageError):
        parsed(body)


RSS = (
    '<rss version="2.0"><channel><title>x</title><item><title>&a;</title><link>http://x/1</link></item></channel></rss>'
)
BOMB = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "body",
    [
        f'<?xml version="1.0"?>{BOMB}{RSS}'.encode(),
        f'<?xml version="1.0"?><!-- <rss> -->{BOMB}{RSS}'.encode(),
        f'<?xml version="1.0" encoding="utf-16"?>{BOMB}{RSS}'.encode("utf-16"),
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>{RSS}'.encode(),
    ],
)
def test_entities_are_refused(body):
    with pytest.raises(PageError, match="entities"):
        parsed(body)


def test_ids_and_excerpts():
    items = "".join(
        f"<item><title>{t}</title><description>{'word ' * 300}</description></item>" for t in ("One", "Two", "Two")
    )
    feed = f'<rss version="2.0"><channel><title>x</title>{items}</channel></rss>'.encode()
    one, two = parsed(feed)  # the same entry twice is one
    assert one.source_id != two.source_id
    assert parsed(feed)[0].source_id == one.source_id
    assert len(one.excerpt) <= EXCERPT
    assert one.excerpt.endswith("word…")
    long = f"<rss version='2.0'><channel><item><guid>{'g' * 5000}</guid><title>x</title></item></channel></rss>"
    assert len(parsed(long.encode())[0].source_id) < 40


def test_requests_and_losses(play):
    (fetch,) = SOURCE.requests({}, Window(now=NOW))
    assert (fetch.kind, fetch.conditional) == ("api", True)
    assert parsed(b"", not_modified=True) == []
    run = play(SOURCE, lambda fetch: (404, b""))
    assert run.lost == ["feed ice: HTTP 404"]


@pytest.mark.shared
def test_real_and_odd_feeds(shared):
    recordings = shared / "recordings"
    folders = ("feeds", "wechat", "rsshub", "arxiv-rss")
    files = [p for f in folders for p in sorted((recordings / f).rglob("*")) if p.is_file() and "opml" not in str(p)]
    read: dict[str, int] = {}
    refused = set()
    for file in files:
        if file.suffix in (".md", ".py", ".opml"):
            continue
        try:
            outputs = parsed(file.read_bytes(), url="https://feed.example.org/x/feed.xml")
        except PageError:
            refused.add(file.name)
            continue
        read[str(file.relative_to(recordings))] = sum(isinstance(o, MentionRecord) for o in outputs)
    assert (len(read), sum(read.values())) == (170, 1135)
    assert refused == {
        "bozo_invalid-bytes-with-bom.xml",
        "aaa_illformed.xml",
        "rss_empty_document.xml",
        "undeclared_namespace.xml",
        "custom",  # no feed at all
    }
    assert not [name for name, count in read.items() if name.startswith(("wechat/", "rsshub/")) and not count]


# ---- one page deep -----------------------------------------------------------------------------------------------

ACCOUNT = FeedsSource([FeedEntry(name="account", url="https://bridge.example.org/account", follow=True)])


class Accounts:
    """A feed of an account that names few papers, and its articles."""

    def __init__(self, fixture_bytes):
        self.feed = fixture_bytes("feed_account.xml")
        self.article = fixture_bytes("article_wechat.html")
        self.unchanged = False
        self.status = 200

    def __call__(self, fetch):
        if fetch.url.startswith("https://bridge"):
            return (304, b"") if self.unchanged else (200, self.feed)
        return self.status, self.article


@pytest.fixture
def accounts(fixture_bytes):
    return Accounts(fixture_bytes)


def test_articles_of_entries_that_name_no_paper(accounts, play):
    run = play(ACCOUNT, accounts, now=NOW)
    articles = run.asked[1:]
    assert [f.url for f in articles] == ["https://mp.weixin.qq.com/s/AAAA", "https://mp.weixin.qq.com/s/BBBB"]
    assert all((f.kind, f.can_wait, f.priority < 0) == ("page", True, True) for f in articles)
    assert len(run.mentions) == 6 + 2
    again = run.mentions[6]
    assert again == MentionRecord(
        source="feeds",
        source_id="account https://mp.weixin.qq.com/s/AAAA",
        channel="account",
        title="ICLR 2026 | 冰原大学：面向不同冰层的统一企鹅计数框架",
        url="https://mp.weixin.qq.com/s/AAAA",
        papers=(PaperId("arxiv", "2603.01001"),),  # neither its references nor what stands around it
    )
    assert again.source_id == run.mentions[0].source_id
    assert run.mentions[1].title == "【論文紹介】ペンギンを数える：深層学習の新しい手法"
    assert list(run.cursor) == ["have:account"]
    second = play(ACCOUNT, accounts, now=NOW, cursor=run.cursor)
    assert (len(second.asked), second.cursor) == (1, run.cursor)
    accounts.feed = accounts.feed.replace(b"/s/BBBB", b"/s/EEEE")
    third = play(ACCOUNT, accounts, now=NOW, cursor=run.cursor)
    assert third.urls[1:] == ["https://mp.weixin.qq.com/s/EEEE"]


def test_articles_that_a_run_left_over(accounts, play):
    first = play(ACCOUNT, accounts, now=NOW, stop_after=1)
    assert len([k for k in first.cursor if k.startswith("article:")]) == 2
    accounts.unchanged = True
    second = play(ACCOUNT, accounts, now=NOW, cursor=first.cursor)
    assert len(second.mentions) == 2
    assert list(second.cursor) == ["have:account"]
    not_followed = FeedsSource([FeedEntry(name="account", url="https://bridge.example.org/account")])
    assert len(play(not_followed, accounts, now=NOW, cursor=first.cursor).asked) == 1


def test_articles_that_cannot_be_read_are_no_loss(accounts, play):
    accounts.status = 404
    run = play(ACCOUNT, accounts, now=NOW)
    assert (run.lost, len(run.mentions)) == ([], 6)
    assert {n.text for n in run.notices} == {"articles of feed account could not be read for papers (HTTP 404)"}
    accounts.unchanged, accounts.status = True, 200
    accounts.article = "<html><body><p>环境异常</p><p>当前环境异常，完成验证后即可继续访问。</p></body></html>".encode()
    run = play(ACCOUNT, accounts, now=NOW, cursor=run.cursor)
    assert run.notices[0].text.endswith("(WeChat asks for a captcha)")
    accounts.article = b"%PDF-1.7"
    run = play(ACCOUNT, accounts, now=NOW, cursor=run.cursor)
    assert (run.lost, len(run.notices), list(run.cursor)) == ([], 2, ["have:account"])  # asked for three times


@pytest.mark.parametrize(
    ("page", "papers"),
    [
        ("<main><p>arXiv:2603.01001</p></main><nav><p>arXiv:2603.01002</p></nav>", ["arxiv:2603.01001"]),
        ("<header><p>arXiv:2603.01002</p></header><p>arXiv:2603.01001</p>", ["arxiv:2603.01001"]),
        (
            "<article><header><a href='https://arxiv.org/abs/2603.01001'>PDF</a></header>x</article>",
            ["arxiv:2603.01001"],
        ),
        ("<article>short</article><article><p>a longer one: arXiv:2603.01001</p></article>", ["arxiv:2603.01001"]),
        ("<p>Text</p><h2>References</h2><p>arXiv:2603.01001</p>", ["arxiv:2603.01001"]),  # better than none
        ("<p>arXiv:2603.01002</p><h2> References: </h2><p>arXiv:2603.01001</p>", ["arxiv:2603.01002"]),
        ("<p>論文 arXiv:2603.01002</p><h3>参考文献</h3><p>arXiv:2603.01001</p>", ["arxiv:2603.01002"]),
        ("<p>Nothing</p>", []),
    ],
)
def test_papers_of_an_article(page, papers):
    for encoding in ("utf-8", "gb18030"):
        body = f"<html><head><meta charset='{encoding}'></head><body>{page}</body></html>".encode(encoding)
        assert [str(p) for p in papers_of_article(body)] == papers


@pytest.mark.parametrize("body", [b"", b"\0\0", b"{}", b"<?xml version='1.0'?>", b"plain text"])
def test_what_is_no_article(body):
    with pytest.raises(PageError):
        papers_of_article(body)


# ---- shipped feeds -----------------------------------------------------------------------------------------------


def test_shipped_feeds():
    shipped = {feed.name: feed for feed in shipped_feeds()}
    assert len(shipped) == len(shipped_feeds())
    for feed in shipped.values():
        assert feed.title
        assert feed.url.startswith(("https://", "{rsshub}/")) or (not feed.url and feed.needs), feed.name
        assert feed.needs or (feed.enabled and feed.address("")), feed.name
    assert {"paperweekly", "valse", "dl_lecture_hall", "aikeke", "lecun_facebook", "bengio_quora"} <= set(shipped)
    assert shipped["aikeke"].address("https://r.example.org/") == "https://r.example.org/weibo/user/1402400261"
    assert shipped["aikeke"].address("") == shipped["lecun_facebook"].address("https://r.example.org") == ""


def names(options) -> list[str]:
    return [feed.name for feed in from_config(options, {}).feeds]


def test_the_users_feeds_change_the_shipped_ones():
    plain = names({})
    assert plain == names([]) == names({"enabled": True})
    assert {"bair", "deepmind", "huggingface", "gradient"} <= set(plain)
    assert not {"distill", "aikeke", "paperweekly", "lecun_facebook"} & set(plain)
    own = [
        {"name": "bair", "enabled": False},
        {"name": "distill"},
        {"name": "deepmind", "url": "https://other.example.org/feed", "follow": False},
        {"name": "bengio_quora", "url": "https://bridge.example.org/quora"},
        {"name": "ice", "url": "https://ice.example.org/feed", "follow": True},
        {"name": "aikeke", "enabled": False},
    ]
    feeds = {feed.name: feed for feed in from_config(own, {}).feeds}
    assert set(feeds) == {*plain, "distill", "bengio_quora", "ice"} - {"bair"}
    assert feeds["deepmind"] == FeedEntry(name="deepmind", url="https://other.example.org/feed")
    assert feeds["distill"].url == "https://distill.pub/rss.xml"
    assert feeds["ice"].follow
    assert from_config({"feeds": own}, {}).feeds == from_config(own, {}).feeds


def test_an_rsshub_switches_the_bridges_on():
    feeds = {f.name: f for f in from_config({"rsshub_url": "https://r.example.org/"}, {}).feeds}
    assert feeds["valse"].url == "https://r.example.org/freewechat/profile/MzA3Mjk0OTgyMg=="
    assert {"paperweekly", "dl_lecture_hall", "aikeke"} <= set(feeds)
    assert not {"zhihu_paperweekly", "lecun_facebook"} & set(feeds)
    on = names({"rsshub_url": "https://r.example.org", "feeds": [{"name": "zhihu_paperweekly"}]})
    assert "zhihu_paperweekly" in on
    assert names({"shipped": False}) == []
    assert names({"shipped": False, "feeds": [{"name": "bair"}]}) == ["bair"]
    assert not any(feed.follow for feed in from_config({"follow": False}, {}).feeds)
    assert any(feed.follow for feed in from_config({}, {}).feeds)


@pytest.mark.parametrize(
    ("options", "key", "problem"),
    [
        ([{"name": "aikeke"}], "sources.feeds[0].url", "is missing; aikeke needs an RSSHub of your own"),
        ([{"name": "bengio_quora"}], "sources.feeds[0].url", "is missing; bengio_quora needs a feed address"),
        ([{"name": "bair"}, {"name": "bair"}], "sources.feeds[1].name", "used twice"),
        ([{"name": "bair", "enabled": "no"}], "sources.feeds[0].enabled", "should be true or false, not a text"),
        ({"rsshub_url": "r.example.org"}, "sources.feeds.rsshub_url", "not a web address"),
        ({"feeds": {}}, "sources.feeds", "should be an array of tables, not a table"),
        ({"bridges": []}, "sources.feeds.bridges", "unknown key"),
        ({"shipped": 1}, "sources.feeds.shipped", "should be true or false"),
    ],
)
def test_what_cannot_be_used_is_named(options, key, problem):
    with pytest.raises(ConfigError) as caught:
        from_config(options, {})
    assert caught.value.key == key
    assert problem in caught.value.message


@pytest.mark.shared
def test_real_lab_blogs(shared):
    read = {}
    for file in sorted((shared / "recordings" / "feeds" / "lab-blogs-2026").glob("*.xml")):
        mentions = [o for o in parsed(file.read_bytes()) if isinstance(o, MentionRecord)]
        read[file.stem] = (len(mentions), len({p for m in mentions for p in m.papers}))
    assert read == {
        "bair_blog": (3, 18),
        "deepmind_blog": (3, 0),
        "fair_blog": (3, 4),
        "gradient_blog": (3, 32),
        "huggingface_blog": (3, 0),
        "openai_blog": (3, 0),
        "vector_institute": (3, 49),
    }
