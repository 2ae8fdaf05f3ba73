"""The registry: every source is built from its table, and what cannot be used is named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from crawler.registry import SOURCES, build
from crawler.source import Source, SourceOff
from crawler.sources.arxiv import by_id_from_config
from data.config import SECRETS as SECRETS_KNOWN
from data.config import parse
from data.errors import ConfigError, UnknownSource
from data.seeds import defaults

TABLES = {
    "arxiv": {"enabled": True, "categories": ["cs.cv", "stat.ML"], "first_days": 3, "rss_url": "http://127.0.0.1:1"},
    "cvf": {"enabled": True, "conferences": ["CVPR2026"], "site_url": "http://127.0.0.1:1"},
    "hf_daily": {"first_days": 3, "reread_days": 1},
    "feeds": [{"name": "ice", "url": "https://ice.example.org/feed"}],
    "ecva": {"years": [2024]},
    "neurips": {"years": [2025], "site_url": "http://127.0.0.1:1"},
    "pmlr": {"volumes": ["v267"]},
    "virtual": {"events": ["neurips-2025"]},
    "acl": {"volumes": ["2025.acl", "J89"], "site_url": "http://127.0.0.1:1"},
    "dblp": {"streams": ["conf/kdd"], "years": [2025], "site_url": "http://127.0.0.1:1"},
    "openreview": {
        "venues": ["ICLR.cc/2026/Conference"],
        "api_url": "http://127.0.0.1:1",
        "api_v1_url": "http://127.0.0.1:2",
    },
    "hackernews": {"queries": ["arxiv.org"], "first_days": 3},
    "reddit": {"subreddits": ["MachineLearning"]},
    "lobsters": {"tags": ["ai"]},
    "zhihu": {"columns": ["paperweekly"], "rsshub_url": "https://rsshub.example.org"},
    "semantic_scholar": {"first_days": 30},
    "openalex": {"first_days": 30},
    "scholar_alerts": {"path": "/mail"},
    "mailbox": {"path": "/mail"},
    "github": {"days": 7},
}
SECRETS = {"FRONTIER_OPENALEX_KEY": "k"}
ROOT = Path(__file__).resolve().parents[3]


def test_every_source_is_built():
    assert set(TABLES) == set(SOURCES)
    for name, table in TABLES.items():
        source: Source = build(name, table, SECRETS)
        assert source.name == name
        assert source.terms.startswith("https://")


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_source_ships_an_entry_documentation_a_fixture_and_a_test(name):
    shipped = parse({}, defaults()).sources
    assert name in shipped
    with contextlib.suppress(SourceOff):
        build(name, shipped[name], {})
    assert f"| `{name}` |" in (ROOT / "docs" / "sources.md").read_text("utf-8")
    tests = ROOT / "tests" / "crawler"
    assert (tests / "sources" / f"test_{name}.py").exists()
    assert any(
        f.name.startswith((name, name.rstrip("s"), name.split("_")[0])) for f in (tests / "fixtures").iterdir()
    ), "no fixture"


def test_a_source_that_needs_a_key_says_which():
    for name, variable in (("openalex", "FRONTIER_OPENALEX_KEY"), ("zhihu", "FRONTIER_ZHIHU_COOKIE")):
        with pytest.raises(SourceOff, match=variable):
            build(name, {"columns": ["paperweekly"]} if name == "zhihu" else {}, {})
    for name in SECRETS_KNOWN:
        assert name.startswith("FRONTIER_")


def test_options_arrive():
    arxiv = build("arxiv", TABLES["arxiv"])
    assert (arxiv.categories, arxiv.first_days) == (("cs.CV", "stat.ML"), 3)
    assert build("cvf", {"conferences": ["wacv2025"]}).conferences == ("WACV2025",)
    assert build("feeds", {"feeds": TABLES["feeds"]}).feeds == build("feeds", TABLES["feeds"]).feeds
    off = {"name": "off", "url": "https://x.example.org", "enabled": False}
    assert build("feeds", {"shipped": False, "feeds": [off]}).feeds == ()
    by_id = by_id_from_config(["2603.01001"], {"api_url": "http://127.0.0.1:1/q"})
    assert [f.url for f in by_id.requests({}, None)] == [
        "http://127.0.0.1:1/q?id_list=2603.01001&start=0&max_results=1"
    ]


def test_an_unknown_source():
    with pytest.raises(UnknownSource, match=r"known: acl, arxiv, cvf"):
        build("arxive", {})


@pytest.mark.parametrize(
    ("name", "options", "key", "problem"),
    [
        ("arxiv", {"categories": ["cs.CV"], "days": 3}, "sources.arxiv.days", "unknown key"),
        ("arxiv", {}, "sources.arxiv.categories", "is missing"),
        ("arxiv", {"categories": "cs.CV"}, "sources.arxiv.categories", "should be a list of texts, not a text"),
        ("arxiv", {"categories": ["no such"]}, "sources.arxiv.categories", "not an arXiv category: 'no such'"),
        ("arxiv", {"categories": ["cs.CV"], "first_days": "3"}, "sources.arxiv.first_days", "a number of days"),
        ("arxiv", {"categories": ["cs.CV"], "first_days": -1}, "sources.arxiv.first_days", "not a number of days"),
        ("arxiv", {"categories": ["cs.CV"], "oai_url": "x"}, "sources.arxiv.oai_url", "not a web address"),
        ("arxiv", {"categories": ["cs.CV"], "api_url": 1}, "sources.arxiv.api_url", "should be a text"),
        ("arxiv", ["cs.CV"], "sources.arxiv", "should be a table, not a list"),
        ("cvf", {"conferences": ["CVPR"]}, "sources.cvf.conferences", "not a CVF conference"),
        ("cvf", {"conferences": [2026]}, "sources.cvf.conferences", "should be a list of texts"),
        ("hf_daily", {"reread_days": True}, "sources.hf_daily.reread_days", "a truth value"),
        ("feeds", [{"name": "ice"}], "sources.feeds[0].url", "is missing"),
        ("feeds", [{"name": "ice", "url": "ice"}], "sources.feeds[0].url", "not a web address"),
        ("feeds", [{"name": "x", "url": "https://a.b"}] * 2, "sources.feeds[1].name", "used twice"),
        ("feeds", [{"name": "x", "url": "https://a.b", "x": 1}], "sources.feeds[0].x", "unknown key"),
        ("feeds", "https://a.b", "sources.feeds", "should be an array of tables"),
        ("feeds", ["https://a.b"], "sources.feeds[0]", "should be a table, not a text"),
    ],
)
def test_what_cannot_be_used_is_named(name, options, key, problem):
    with pytest.raises(ConfigError) as caught:
        build(name, options)
    assert caught.value.key == key
    assert problem in caught.value.message
