"""Formulas become readable HTML, and nothing else does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.latex import to_html, whole

KNOWN = re.compile(r'</?(?:i|b|sub|sup)>|<span class="fr-math">|</span>')


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("$O(n^2)$", "O(n^2)"),
        (r"$\mathcal{O}(\sqrt{T})$", "O(√T)"),
        (r"$\ell_2$-norm in $\mathbb{R}^d$", "ℓ_2-norm in ℝ^d"),
        (r"$\frac{1}{\sqrt{2\pi}}$", "1/(√(2π))"),
        (r"$10^{-3} \leq \hat{x}_{t+1}$", "10^−3 ≤ x\u0302_t+1"),
        (r"about $\sim$3x and 2$\times$ faster", "about ∼3x and 2× faster"),
        (r"costs $5 and $10", "costs $5 and $10"),
        (r"up to 14\% of \$3", "up to 14% of $3"),
        (r"\emph{very} \textbf{good} ``quoted''", "very good “quoted”"),
        (r"a broken $\frac{1 formula$", r"a broken $\frac{1 formula$"),
        (r"$\rule{9999em}{9999em}$", "\u2009rule9999em9999em"),
        (r"\(a \to b\) and \[c\] and $$d$$", "a → b and c and d"),
        (r"$\log$", "log"),
        ("$x^", "$x^"),
    ],
)
def test_formulas_become_readable(text: str, readable: str) -> None:
    plain = to_html(text).replace("<sup>", "^").replace("<sub>", "_")
    assert re.sub(r"<[^>]+>", "", plain).strip() == readable.strip() or KNOWN.sub("", plain) == readable


@given(st.text(st.sampled_from("$\\{}^_<>&\"'abfrac sqrt1()[].~"), max_size=300))
def test_only_known_tags_come_out_and_they_nest(text: str) -> None:
    html = to_html(text)
    open_tags: list[str] = []
    for tag in re.findall(r"<[^>]*>?", html):
        assert KNOWN.fullmatch(tag), tag
        name = tag.strip("</>").split(" ")[0]
        if tag.startswith("</"):
            assert open_tags.pop() == name
        else:
            open_tags.append(name)
    assert not open_tags


@pytest.mark.parametrize("piece", ["$", "$a", "\\(", "\\emph{", "{", "$$a", "\\frac", "$^", "\\"])
def test_long_hostile_texts_take_linear_time(piece: str) -> None:
    assert len(to_html(piece * 20_000)) < 3_000_000


@pytest.mark.parametrize(("chars", "at"), [(4, 4), (5, 5), (6, 5), (11, 5), (12, 12), (18, 17), (30, 30)])
def test_a_cut_leaves_formulas_whole(chars: int, at: int) -> None:
    assert whole("rate $n^{2}$ and $m$ more of it", chars) == at
