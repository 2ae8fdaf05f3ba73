"""A mention of each kind that can name a paper appears on it, in the terminal and in the dashboard."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from app.cli import run
from app.presenters_paper import mentions_list
from app.services import Services
from app.wiring import Frontier
from crawler.source import Fetch, Page
from crawler.sources.feeds import FeedEntry, FeedsSource
from data.ids import parse_id
from data.records import MentionRecord, PaperRecord

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
TITLE = "Meadows of Gradients: A Made-up Study of Growth"
BY_TITLE = f"[R] {TITLE}"
IDS = (
    "arxiv:2511.00001",
    "openreview:Zq3xW7bN1t",
    "doi:10.9999/meadow.1",
    "cvf:CVPR2026/Example_Meadows_of_Gradients_CVPR_2026_paper",
    "acl:2025.acl-long.9999",
    "pmlr:v267/example25a",
    "neurips:2025/0123456789abcdef0123456789abcdef",
)
WAYS = {
    "abs page": "https://arxiv.org/abs/2511.00001v2",
    "pdf": "https://arxiv.org/pdf/2511.00001.pdf",
    "alphaXiv": "https://www.alphaxiv.org/abs/2511.00001",
    "Hugging Face": "https://huggingface.co/papers/2511.00001",
    "short form": "see arXiv:2511.00001 for more",
    "bare DOI": "doi:10.9999/meadow.1",
    "DOI link": "https://doi.org/10.9999/MEADOW.1",
    "OpenReview": "https://openreview.net/forum?id=Zq3xW7bN1t&noteId=x",
    "CVF": "https://openaccess.thecvf.com/content/CVPR2026/html/Example_Meadows_of_Gradients_CVPR_2026_paper.html",
    "ACL": "https://aclanthology.org/2025.acl-long.9999.pdf",
    "PMLR": "https://proceedings.mlr.press/v267/example25a.html",
    "NeurIPS": "https://papers.nips.cc/paper_files/paper/2025/hash/0123456789abcdef0123456789abcdef-Abstract-Conference.html",
    "tracker": "https://arxiv.org/abs/2511.00001?utm_source=mail#S2",
    "wrapper": "https://www.google.com/url?q=https://arxiv.org/abs/2511.00001&sa=D",
    "中文": "论文地址：https://arxiv.org/abs/2511.00001，值得一读。",
}


def _feed() -> bytes:
    items = "".join(
        f"<item><title>{escape(way)}</title><guid>{n}</guid><link>https://blog.example.org/{n}</link>"
        f"<description>{escape(f'<p>{escape(text)}</p>')}</description></item>"
        for n, (way, text) in enumerate(WAYS.items())
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>b</title>{items}</channel></rss>'.encode()


@pytest.fixture
def told(home: Path) -> Frontier:
    frontier = Frontier()
    store = frontier.open_store()
    paper = PaperRecord(
        source="arxiv", source_id="2511.00001", title=TITLE, authors=("Ada Example",), ids=tuple(map(parse_id, IDS))
    )
    store.put("arxiv", [paper], now=NOW)
    source = FeedsSource([FeedEntry(name="blog", url="https://blog.example.org/feed")])
    page = Page(
        fetch=Fetch(url="https://blog.example.org/feed", kind="api", context={"feed": "blog"}),
        url="https://blog.example.org/feed",
        body=_feed(),
        fetched_at=NOW,
    )
    found = [out for out in source.parse(page) if isinstance(out, MentionRecord)]
    by_title = MentionRecord(source="reddit", source_id="t3_1", channel="ML", title=BY_TITLE)
    store.put("feeds", [*found, by_title], now=NOW)
    store.close()
    return frontier


def test_every_way_to_name_a_paper_leads_to_it(told: Frontier, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "arxiv:2511.00001", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {m["title"] for m in shown["mentions"]} == {*WAYS, BY_TITLE}
    assert run(["show", "arxiv:2511.00001"]) == 0
    out = capsys.readouterr().out
    services = Services(told)
    page = mentions_list(services.detail("arxiv:2511.00001").mentions)
    services.close()
    for way in (*WAYS, BY_TITLE):
        assert way in out
        assert way in page


def test_papers_that_cite_a_landmark_are_shown_on_it(told: Frontier, capsys: pytest.CaptureFixture[str]) -> None:
    store = told.open_store()
    citing = PaperRecord(
        source="semantic_scholar",
        source_id="s2",
        title="A Made-up Reply to Meadows",
        cites=(parse_id("arxiv:2511.00001"),),
    )
    store.put("semantic_scholar", [citing], now=NOW)
    store.close()
    assert run(["show", "arxiv:2511.00001", "--json"]) == 0
    assert [c["title"] for c in json.loads(capsys.readouterr().out)["cited_by"]] == [citing.title]
    assert run(["show", "arxiv:2511.00001"]) == 0
    assert citing.title in capsys.readouterr().out
