"""Text from outside: harmless, comparable, and the quick ways say what the thorough way says."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import text as text_module
from data.text import clean, clean_block, from_html, is_latin, text_hash, title_key


@pytest.mark.parametrize(
    ("raw", "tidy"),
    [
        ("plain", "plain"),
        ("", ""),
        ("  two   words \n here ", "two words here"),
        ("a\tb\r\nc\u00a0d\u2003e", "a b c d e"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("nul\x00 bell\x07", "nul bell"),
        ("\u202eevil\u202c \u200bzero\ufeff", "evil zero"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("e\u0301 u\u0308", "é ü"),
        ("\U000e0041tags", "tags"),
        ("汉字 数学", "汉字 数学"),
    ],
)
def test_clean(raw, tidy):
    assert clean(raw) == tidy


@pytest.mark.parametrize(
    ("raw", "tidy"),
    [
        ("", ""),
        ("one\nwrapped\nparagraph", "one wrapped paragraph"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("one\n \t \ntwo", "one\n\ntwo"),
        ("one\n  two, indented as arXiv does", "one\n\ntwo, indented as arXiv does"),
        ("one\n two", "one two"),
        ("one\r\n\r\ntwo\rthree", "one\n\ntwo three"),
        ("one\n\x00\ntwo", "one\n\ntwo"),
        ("  one\n", "one"),
        ("\n\n\n", ""),
        ("e\u0301\nx", "é x"),
    ],
)
def test_clean_block(raw, tidy):
    assert clean_block(raw) == tidy


def thorough_clean(text: str) -> str:
    """`clean` without its quick way."""
    return re.sub(r"\s+", " ", text_module._strip(text)).strip()


def thorough_block(text: str) -> str:
    """`clean_block` without its quick way."""
    parts = re.split(r"\n[ \t]*\n|\n(?=[ \t]{2,}\S)", text_module._strip(text))
    return "\n\n".join(p for p in (re.sub(r"\s+", " ", part).strip() for part in parts) if p)


ODD = st.text(st.sampled_from("ab \n\t\r\x00\x0b\x1b[m\u00a0\u0301e\u200b\u2028\u3000\u202eé汉\x85\x1c")) | st.text()


@given(ODD)
def test_the_quick_ways_agree(raw):
    assert clean(raw) == thorough_clean(raw)
    assert clean_block(raw) == thorough_block(raw)


@given(ODD)
def test_cleaning_twice_changes_nothing(raw):
    assert clean(clean(raw)) == clean(raw)
    assert clean_block(clean_block(raw)) == clean_block(raw)
    assert unicodedata.is_normalized("NFC", clean(raw))


def test_from_html():
    assert from_html("<p>One &amp; two</p><p>three<br>four</p>") == "One & two\n\nthree\n\nfour"
    assert from_html("a < b and c > d, p<0.05") == "a < b and c > d, p<0.05"
    assert from_html("x<script>alert(1)</script>y<style>p{}</style><!-- no -->z") == "xyz"
    assert from_html("&lt;b&gt;kept&lt;/b&gt;") == "<b>kept</b>"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Deep Residual Learning", "deep   residual-learning."),
        ('Schr\\"odinger Bridges', "Schrödinger bridges"),
        ("A $\\beta$-VAE", "A -VAE"),
        ("Q&amp;A", "Q&A"),
    ],
)
def test_equal_titles_meet(one, other):
    assert title_key(one) == title_key(other) != ""


def test_numerals_part_titles():
    assert title_key("On Ice, Part I") != title_key("On Ice, Part II")
    assert title_key("$$ --- $$") == ""


def test_text_hash_follows_the_embedded_text():
    assert text_hash("a", "b") == text_hash("a", "b")
    assert len({text_hash("a", "b"), text_hash("a", ""), text_hash("a b", "")}) == 3
    assert re.fullmatch("[0-9a-f]{16}", text_hash("", ""))


def test_is_latin():
    assert is_latin("Une étude")
    assert is_latin("12 + 3")
    assert not is_latin("深度学习 GAN 的方法")
    assert not is_latin("Глубокое обучение")
