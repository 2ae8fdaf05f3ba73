"""A small store of made-up papers with everything a page shows: areas, threads, signals, runs, hostile text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from crawler.report import SourceReport
from data.ids import parse_id
from data.reader import Reader
from data.records import BadRecord, MentionRecord, PaperRecord, Signal
from data.seeds import starter
from data.store import Store
from index.vectors import update

NOW = datetime(2025, 11, 24, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
MODEL = "all-MiniLM-L6-v2"
AREAS = ("architectures", "optimizers", "rl", "generative", "datasets")

SCRIPT = "<script>window.__pwned = 1</script>"
HOSTILE_TITLES = (
    f'Attack {SCRIPT} <img src=x onerror="window.__pwned = 1"> of the {{tags}}',
    "Markdown **bold** [click](javascript:window.__pwned=1) :red[alarm] :material/delete: `code` # head",
    r"Broken $\frac{1}{ formula \href{javascript:window.__pwned=1}{x} $\rule{9999em}{9999em}$ and $$",
    "Direction \u202etxet desrever\u202c and \x1b[31mred\x1b[0m escapes \u2067x\u2069",
    "Whole" * 400,
    'Quote " onmouseover="window.__pwned=1" x="',
)
_TITLES = (
    ("architectures", "Mixture-of-Depths Attention for Long-Context Vision Transformers"),
    ("architectures", "State Space Duals Revisited: Linear Attention at $O(n\\log n)$ Cost"),
    ("optimizers", "Orthogonalised Momentum Converges at Rate $\\mathcal{O}(1/\\sqrt{T})$ Under Heavy-Tailed Noise"),
    ("optimizers", "Schedule-Free Shampoo: Preconditioning Without a Learning-Rate Schedule"),
    ("rl", "Verifiable Rewards Are Not Enough: Exploration Collapse in Reasoning Models"),
    ("rl", "World Models That Plan Backwards from Sparse Rewards"),
    ("generative", "One-Step Flow Matching by Straightening Optimal Transport Couplings"),
    ("generative", "Diffusion Transformers with Token Recycling for Minute-Long Video"),
    ("datasets", "OpenTraffic-10M: A Benchmark for Night-Time Driving Across 40 Cities"),
    ("datasets", "Counting What Counts: An Audit of Label Noise in Nine Vision Benchmarks"),
    ("", "A Remark on the Cohomology of Certain Moduli Spaces"),
    ("", "基于大语言模型的中文医学问答系统研究"),
)
_ABSTRACT = (
    "We study how {subject} behaves when the number of tokens grows far beyond what was seen in training. Existing"
    " methods cost $O(n^2)$ in time, and lose up to 14\\% accuracy at $n > 10^5$. We propose a simple change: the"
    " hidden state $h_t \\in \\mathbb{{R}}^d$ is updated by"
    " $h_{{t+1}} = \\alpha h_t + \\beta \\nabla_\\theta \\mathcal{{L}}(x_t)$, which keeps the norm $\\|h_t\\|_2$"
    " bounded. On ImageNet, COCO and three language benchmarks, the method matches the baseline with $2.7\\times$"
    " less compute. Code and models are released."
)


def _ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def _people(n: int) -> tuple[str, ...]:
    names = ("Ada Okafor", "Jürgen Weiß", "Mei-Ling Chen", "Łukasz Nowak", "Priya Raman", "Tomás Ibáñez", "Sofia Rossi")
    return tuple(f"{names[i % 7]}{'' if i < 7 else f' {i}'}" for i in range(n))


def papers() -> Iterator[PaperRecord]:
    """About 120 papers over two weeks of announcements, the last day being NOW's; weekends bring none."""
    number = 0
    for back in range(14):
        day = (NOW - timedelta(days=back)).date()
        if day.weekday() >= 5:
            continue
        for n in range(40 if back == 0 else 6 + back % 4):
            area, title = _TITLES[(n + back) % len(_TITLES)]
            number += 1
            yield PaperRecord(
                source="arxiv",
                source_id=f"2511.{number:05d}",
                title=title if n < len(_TITLES) else f"{title}: Part {n} of day {back}",
                ids=(parse_id(f"arxiv:2511.{number:05d}"),),
                abstract=_ABSTRACT.format(subject=title.split(":")[0]) if n != 11 else "本文研究中文医学问答。",
                authors=_people(1 + (n * 5) % 17),
                year=2025,
                published=day - timedelta(days=1),
                day=day,
                url=f"https://arxiv.org/abs/2511.{number:05d}",
                categories=("cs.CV", "cs.LG") if n % 2 else ("cs.LG", "stat.ML"),
                venue="NeurIPS" if n % 9 == 0 else "",
                venue_status="spotlight" if n % 9 == 0 else "",
                keywords=(area,) if area else (),
                comment="Accepted at NeurIPS 2025. 14 pages, 6 figures" if n % 9 == 0 else "",
                code_urls=("https://github.com/example/code",) if n % 3 == 0 else (),
                version=2 if n == 1 else 1,
                announce_type="new",
                signals=tuple(
                    Signal(name="upvotes", value=v * (n + 1), at=_ago(3 - i)) for i, v in enumerate((1, 4, 9, 11))
                )
                if n % 4 == 0
                else (),
            )


def hostile() -> Iterator[PaperRecord]:
    """Papers of NOW's day whose every text tries something."""
    for n, title in enumerate(HOSTILE_TITLES):
        yield PaperRecord(
            source="openreview",
            source_id=f"hostile{n}",
            title=title,
            ids=(parse_id(f"openreview:hostile00{n}"),),
            abstract=f"{title[:200]} {SCRIPT} <iframe src='javascript:window.__pwned=1'></iframe> "
            + "x" * 300
            + " :red[a] [b](javascript:alert(1)) $\\unknown{$ $x^{y^{z}}$ <style>body{display:none}</style>",
            authors=_people(3000) if n == 0 else (f"Eve {SCRIPT}", "<b>Bob</b>"),
            year=2025,
            day=TODAY,
            url="javascript:window.__pwned=1",
            categories=("<b>cs</b>",),
            venue=f"ICLR {SCRIPT}"[:60],
            code_urls=("javascript:window.__pwned=1", "data:text/html,<script>1</script>"),
            comment=SCRIPT,
            note=f"note {SCRIPT}" if n == 1 else "",
            announce_type="new",
            signals=(Signal(name="upvotes", value=10**9, at=NOW),),
        )


def mentions() -> Iterator[MentionRecord]:
    """Threads about the first papers; one is hostile."""
    for n in range(5):
        yield MentionRecord(
            source="reddit" if n % 2 else "hackernews",
            source_id=f"t{n}",
            channel="r/MachineLearning" if n % 2 else "Hacker News",
            title=f"[D] What do you make of this one? {SCRIPT if n == 4 else ''}",
            url="javascript:window.__pwned=1" if n == 4 else f"https://news.example.org/item?id={n}",
            published_at=_ago(0.3 * n),
            papers=(parse_id("arxiv:2511.00001"), parse_id(f"arxiv:2511.0000{1 + n}")),
            signals=(Signal(name="points", value=17.0 * (n + 1), at=NOW), Signal(name="comments", value=9, at=NOW)),
        )


def runs(now: datetime = NOW) -> list[SourceReport]:
    """One source of each verdict."""
    started = now - timedelta(hours=2)
    return [
        SourceReport(
            source="arxiv", started_at=started, expected=412, received=412, new=398, changed=14, requests=7, seconds=31,
        ),
        SourceReport(source="hf_daily", started_at=started, received=31, requests=2, seconds=1.2, not_modified=1),
        SourceReport(
            source="cvf", started_at=started, expected=2871, received=2859, new=40, requests=12, retries=9, seconds=88,
            lost_requests=12,
            lost=[f"https://openaccess.thecvf.com/content/CVPR2026/html/{n}.html: 503" for n in range(12)],
            bad=1, bad_examples=[BadRecord(source="cvf", where="entry 7", problem=f"no title {SCRIPT}")],
            notices=["the listing names 2,871 papers; 2,859 pages were read"],
        ),
        SourceReport(source="reddit", started_at=started, off="off in frontier.toml"),
    ]  # fmt: skip


def fill(folder: Path, *, vectors: bool = True, with_hostile: bool = True) -> Path:
    """Make the store in `folder` (a FRONTIER_HOME), and its index; returns `folder`."""
    (folder / "frontier.toml").write_text("[ranking]\narea_threshold = 0.5\n", "utf-8")
    store = Store(folder / "papers.sqlite")
    store.put("starter", starter(), now=_ago(20))
    store.put("arxiv", papers(), now=NOW)
    if with_hostile:
        store.put("openreview", hostile(), now=NOW)
    store.put("hackernews", mentions(), now=NOW)
    store.put_runs("run1", [report.as_dict() for report in runs()])
    reader = Reader(folder / "papers.sqlite")
    known = list(reader.every_paper())
    if vectors:
        store.put_vectors(
            MODEL,
            [(p.id, h, _vector(p.id)) for p, (_, h, _) in zip(known, reader.texts(p.id for p in known), strict=True)],
        )
        update(
            folder / "index", model=MODEL, dim=384, state=reader.vector_state(MODEL),
            since=lambda seq: reader.vectors_since(MODEL, seq),
        )  # fmt: skip
    store.put_area_scores(
        "made-up",
        [(p.id, {area: _relevance(p.id, area, p.keywords[0] if p.keywords else "") for area in AREAS}) for p in known],
    )
    reader.close()
    store.close()
    return folder


def _relevance(paper_id: int, area: str, own: str) -> float:
    spread = (paper_id * 37 + len(area) * 11) % 30 / 100
    return 0.62 + spread if area == own else 0.08 + spread


def _vector(paper_id: int) -> bytes:
    vector = np.random.default_rng(paper_id % 12).standard_normal(384) + 0.6 * np.random.default_rng(
        paper_id
    ).standard_normal(384)
    return bytes((vector / np.linalg.norm(vector)).astype("<f4").tobytes())


def starter_only(folder: Path) -> Path:
    """A store as the first run without a network leaves it."""
    store = Store(folder / "papers.sqlite")
    store.put("starter", starter(), now=NOW)
    store.close()
    return folder


def day_of(back: int) -> date:
    return TODAY - timedelta(days=back)
