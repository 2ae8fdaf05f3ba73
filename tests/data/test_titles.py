"""Titles of papers in titles of threads, in English, Chinese and Japanese."""

from __future__ import annotations

import time

import pytest

from data.titles import LONGEST, paper_titles

PENGUINS = "Counting Penguins with Very Deep Networks"


@pytest.mark.parametrize(
    "text",
    [
        PENGUINS,
        f"[R] {PENGUINS}",
        f"[R][P] {PENGUINS} [pdf]",
        f"[Research] {PENGUINS} (Spotlight)",
        f"{PENGUINS} [D]",
        f"ICLR 2026 | {PENGUINS}",
        f"[ICLR 2026 Oral] {PENGUINS}",
        f"CVPR'25 | {PENGUINS}",
        f"NeurIPS 2025 Spotlight: {PENGUINS}",
        f"Paper: {PENGUINS}",
        f"New paper: “{PENGUINS}”",
        f"Show HN: {PENGUINS} (2017) [pdf]",
        f"{PENGUINS} (arXiv:2603.01001v2)",
        f"[2603.01001] {PENGUINS}",
        f"{PENGUINS} | Hacker News",
        f"{PENGUINS} | OpenReview",
        f'What do you make of "{PENGUINS}"?',
        f"【论文】{PENGUINS}",
        f"【{PENGUINS}】网页链接",
        f"[LG]《{PENGUINS}》A Quill, C Rho (2026)",
        f"论文解读：《{PENGUINS}》",
        f"论文解读 | {PENGUINS}（附代码）",
        f"論文紹介：「{PENGUINS}」を読む",
        f"【論文メモ】{PENGUINS}",
        f"[D] “{PENGUINS}” and what it means for the ice",
    ],
)
def test_the_best_is_the_title(text):
    assert paper_titles(text)[0] == PENGUINS


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("[D] Simple Questions", []),
        ("", []),
        ("【论文】企鹅计数", []),
        (
            "ACL 2026 | 冰原大学团队：面向不同冰层子任务的统一计数框架",
            ["冰原大学团队：面向不同冰层子任务的统一计数框架"],
        ),
        ("直播 | ICLR 2026论文解读：企鹅", []),
        ("直播 | ACL 2026论文解读：面向企鹅与海鸥关系理解的统一框架", ["面向企鹅与海鸥关系理解的统一框架"]),
        ("《企鹅计数与极地卷积神经网络的研究》", ["企鹅计数与极地卷积神经网络的研究"]),
        ("【論文】深層学習によるペンギンの数え上げについて", ["深層学習によるペンギンの数え上げについて"]),
        (
            "『ペンギンを数えるための深層学習入門』を読んだ",
            ["ペンギンを数えるための深層学習入門", "『ペンギンを数えるための深層学習入門』を読んだ"],
        ),
        (
            "企鹅优化算法，73页ppt，Optimisation Algorithms for Many Penguins",
            [
                "企鹅优化算法，73页ppt，Optimisation Algorithms for Many Penguins",
                "Optimisation Algorithms for Many Penguins",
            ],
        ),
        (
            "Gulls: Learning to Fly without a Teacher – Ice Lab of the South",
            [
                "Gulls: Learning to Fly without a Teacher – Ice Lab of the South",
                "Gulls: Learning to Fly without a Teacher",
                "Ice Lab of the South",
            ],
        ),
        ("A Penguin (and a Gull) on the Ice (Part II)", ["A Penguin (and a Gull) on the Ice (Part II)"]),
    ],
)
def test_all_candidates(text, titles):
    assert paper_titles(text) == titles


@pytest.mark.parametrize(
    "text", ["[" * 5000, "《" * 5000, "a " * 5000, "[R]" * 3000, "|" * 5000, '"' * 5000, "CVPR " * 999]
)
def test_odd_texts_take_no_time(text):
    start = time.perf_counter()
    assert all(len(t) <= LONGEST for t in paper_titles(text))
    assert time.perf_counter() - start < 1
