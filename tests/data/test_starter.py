"""The shipped starter papers and focus areas: complete, consistent, and true to what the roadmap names."""

import json
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

SEEDS = Path(__file__).parents[2] / "data" / "seeds"
PAPERS = [json.loads(line) for line in (SEEDS / "starter.jsonl").read_text(encoding="utf-8").splitlines()]
AREAS = tomllib.loads((SEEDS / "areas.toml").read_text(encoding="utf-8"))["areas"]
NAMES = {"architectures", "optimizers", "rl", "generative", "datasets"}
KEYS = ["title", "authors", "authors_truncated", "year", "venue", "arxiv_id", "doi", "url", "areas", "note", "checked"]
ANTHOLOGY = "https://aclanthology.org/"

# "On the Convergence of Adam and Beyond" was put on arXiv in 2019, a year after the conference.
POSTED_AFTER_PUBLICATION = {"1904.09237"}

ROADMAP = {
    "architectures": {"1512.03385", "1608.06993", "1709.01507", "1707.01083", "1703.06870"},
    "optimizers": {"10.1038/323533a0", "10.1214/aoms/1177729586", "1606.04474", "1710.05941"},
    "rl": {"10.1038/nature24270", "1712.01815"},
    "generative": {"1406.2661", "1511.06434", "1701.07875", "1609.05473"},
    "datasets": {
        "10.1109/CVPR.2009.5206848",  # ImageNet
        "1405.0312",  # MS COCO
        "10.1007/s11263-009-0275-4",  # Pascal VOC
        "http://vis-www.cs.umass.edu/lfw/lfw.pdf",
        "1512.00596",  # MegaFace
        "1607.08221",  # MS-Celeb-1M
        "1602.07332",  # Visual Genome
        "https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",  # CIFAR
        "10.1109/5.726791",  # MNIST
        "J93-2004",  # Penn Treebank
    },
}


def ids(paper: dict) -> set[str]:
    """Every id that may stand for a paper in areas.toml."""
    found = set()
    if "arxiv_id" in paper:
        found.add("arxiv:" + paper["arxiv_id"])
    if "doi" in paper:
        found.add("doi:" + paper["doi"])
    if "url" in paper:
        url = paper["url"]
        found.add("acl:" + url.removeprefix(ANTHOLOGY) if url.startswith(ANTHOLOGY) else url)
    return found


def plain(title: str) -> str:
    return re.sub(r"[\W_]+", "", title.casefold())


def test_there_are_enough_papers() -> None:
    assert len(PAPERS) >= 120


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p["title"][:40])
def test_paper_is_complete(paper: dict) -> None:
    assert list(paper) == [key for key in KEYS if key in paper], "keys are known and in order"
    assert paper["title"].strip() == paper["title"] != ""
    assert paper["authors"]
    assert all(isinstance(name, str) and name.strip() == name != "" for name in paper["authors"])
    assert len(set(paper["authors"])) == len(paper["authors"])
    if "authors_truncated" in paper:
        assert paper["authors_truncated"] is True
        assert len(paper["authors"]) >= 5
    assert isinstance(paper["year"], int)
    assert 1950 <= paper["year"] <= 2025
    assert paper["venue"].strip()
    assert paper["areas"]
    assert set(paper["areas"]) <= NAMES
    assert 20 <= len(paper["note"]) <= 400
    assert paper["note"].isascii()
    assert paper["checked"].strip()


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p["title"][:40])
def test_paper_can_be_found(paper: dict) -> None:
    assert ids(paper)
    if "arxiv_id" in paper:
        arxiv_id = paper["arxiv_id"]
        match = re.fullmatch(r"(\d\d)(\d\d)\.(\d{4,5})", arxiv_id)
        assert match, arxiv_id
        year, month = 2000 + int(match[1]), int(match[2])
        assert 1 <= month <= 12
        assert len(match[3]) == (5 if year >= 2015 else 4), arxiv_id
        assert year <= paper["year"] or arxiv_id in POSTED_AFTER_PUBLICATION, arxiv_id
    if "doi" in paper:
        assert re.fullmatch(r"10\.\d{4,9}/\S+", paper["doi"])
    if "url" in paper:
        assert paper["url"].startswith(("https://", "http://"))
        assert "arxiv_id" not in paper
        assert "doi" not in paper


def test_nothing_is_doubled() -> None:
    every_id = Counter(i.casefold() for paper in PAPERS for i in ids(paper))
    assert [i for i, n in every_id.items() if n > 1] == []
    titles = Counter(plain(paper["title"]) for paper in PAPERS)
    assert [t for t, n in titles.items() if n > 1] == []


def test_every_area_has_enough_papers() -> None:
    counts = Counter(area for paper in PAPERS for area in paper["areas"])
    assert set(counts) == NAMES
    assert min(counts.values()) >= 20, counts


def test_areas_are_the_roadmaps() -> None:
    assert set(AREAS) == NAMES | {"learning"}
    assert AREAS["learning"]["lanes"] == ["rl", "generative"]
    for area in AREAS.values():
        assert area["title"].strip()
        assert area["description"].strip()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_area_is_complete(name: str) -> None:
    area = AREAS[name]
    keywords = area["keywords"]
    assert set(area) == {"title", "description", "landmarks", "keywords"}
    assert 20 <= len(keywords) <= 40
    assert len(set(keywords)) == len(keywords)
    assert all(word == word.lower().strip() != "" for word in keywords)
    assert 12 <= len(area["landmarks"]) <= 25
    assert len(set(area["landmarks"])) == len(area["landmarks"])


@pytest.mark.parametrize("name", sorted(NAMES))
def test_landmarks_are_starter_papers_of_the_area_in_order_of_year(name: str) -> None:
    by_id = {i: paper for paper in PAPERS for i in ids(paper)}
    landmarks = AREAS[name]["landmarks"]
    assert [i for i in landmarks if i not in by_id] == []
    papers = [by_id[i] for i in landmarks]
    assert len({plain(paper["title"]) for paper in papers}) == len(papers)
    assert [paper["title"] for paper in papers if name not in paper["areas"]] == []
    years = [paper["year"] for paper in papers]
    assert years == sorted(years)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_landmarks_hold_all_that_the_roadmap_names(name: str) -> None:
    bare = {re.sub(r"^(arxiv|doi|acl):", "", i) for i in AREAS[name]["landmarks"]}
    assert ROADMAP[name] - bare == set()
