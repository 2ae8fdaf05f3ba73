"""Text from outside: harmless, comparable, and the quick ways say what the thorough way says."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import text as text_module
from data.text import clean, clean_block, from_html, is_latin, text_hash, title_key, title_parts, title_words


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
        ("A $\\beta$-VAE", "A β-VAE"),
        ("A $\\beta$-VAE", "A Beta-VAE"),
        ("Q&amp;A", "Q&A"),
        ("Salt &amp;amp; Pepper", "Salt and Pepper"),
        ("Salt \\& Pepper", "Salt and Pepper"),
        ("Owls in $L_2$", "Owls in L2"),
        ("Owls in $\\ell_{p}$ Norms", "Owls in ℓp Norms"),
        ("Owls in $\\ell_\\infty$", "Owls in 𝓁∞"),
        ("$(1+\\varepsilon)$ Owls", "(1+ε) Owls"),
        ("Kernels of 31x31", "Kernels of $31\\times31$"),
        ("Kernels of 31x31", "Kernels of 31×31"),
        ("A 360-degree Owl", "A $360^{\\circ}$ Owl"),
        ("A 360deg Owl", "A 360° Owl"),
        ("A \\textit{Fast}er Owl", "A Faster Owl"),
        ("A <i>Faster</i> Owl<sup>2</sup>", "A Faster Owl2"),
        ("Ho\\v{s}ek and \\'Etude", "Hošek and Étude"),
        ("Erd\\H{o}s Owls", "Erdős Owls"),
        ("Sm{\\o}rrebr{\\o}d", "Smørrebrød"),
        ("Straße", "Strasse"),
        ("Eﬃcient ﬁlters", "Efficient filters"),
        ("Owls – a study", "Owls - a study"),
        ("Owl(R) and Owlet™", "Owl and Owlet"),
        ("RGB(r)D", "RGB®D"),
        ("(Un)supervised Owls", "Unsupervised Owls"),
        ("What's an Owl?", "What’s an owl"),
        ("[RETRACTED] Counting Owls", "Counting Owls"),
        ("Retracted: Counting Owls", "Counting Owls"),
        ("Supplementary material for Counting Owls", "Counting Owls"),
        ("Supplementary Materials of: Counting Owls", "Counting Owls"),
        ("Suppl. Material: Counting Owls", "Counting Owls"),
        ("Supplement to 'Counting Owls'", "Counting Owls"),
        ("Appendix for the paper: Counting Owls", "Counting Owls"),
        ("Appendices for Counting Owls", "Counting Owls"),
        ("Counting Owls (Supplement)", "Counting Owls"),
        ("Counting Owls - Supplementary Material -", "Counting Owls"),
        ("Counting Owls (extended version)", "Counting Owls"),
        ("Counting Owls [Full Version]", "Counting Owls"),
        ("Counting Owls: Extended Version", "Counting Owls"),
        ("Counting Owls (arXiv version)", "Counting Owls"),
        ("Counting Owls (Technical Report)", "Counting Owls"),
        ("OwlNet++: Counting Owls", "OwlNet ++ : Counting Owls"),
        ("OwlNet$^+$", "OwlNet+"),
        ("Planning with A*", "Planning with A-Star"),
        ("Planning with A$^*$", "Planning with A*"),
        ("Planning with $A^{\\star}$", "Planning with A*"),
        ("Counting in Unknown Environments*", "Counting in Unknown Environments"),
        ("Counting in Unknown Environments$^*$", "Counting in Unknown Environments"),
        ("a * b Owls", "a b Owls"),
    ],
)
def test_equal_titles_meet(one, other):
    assert title_key(one) == title_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Counting Owls", "Counting Owls II"),
        ("OwlNet v2", "OwlNet v3"),
        ("An $\\alpha$-Owl", "A $\\beta$-Owl"),
        ("Owls in 2D", "Owls in 3D"),
        ("Supplementary Features for Owls", "Features for Owls"),
        ("Appendix Removal with Robots", "Removal with Robots"),
        ("Owl Technical Report", "Owl"),
        ("A New Version of Owls", "Owls"),
        ("Counting Owls (Extended Abstract)", "Counting Owls"),
        ("Retracted Papers", "Papers"),
        ("OwlNet+", "OwlNet"),
        ("OwlNet++", "OwlNet+"),
        ("C++ Owls", "C Owls"),
        ("OwlNet*", "OwlNet"),
        ("A* Search", "A Search"),
        ("Planning with RRT*", "Planning with RRT"),
    ],
)
def test_other_titles_do_not_meet(one, other):
    assert title_key(one) != title_key(other)


@pytest.mark.parametrize(
    "title", ["Supplementary Material", "Appendix", "(Extended Version)", "[Retracted]", "Supplement:"]
)
def test_a_title_that_is_only_a_label_is_kept(title):
    assert title_key(title)


@given(st.text(st.characters(max_codepoint=127)) | st.text())
def test_the_key_of_a_title_is_its_words_and_its_parts(title):
    head, tail = title_parts(title)
    assert title_key(title) == "".join(title_words(title)) == "".join(head + tail)


@given(st.text())
def test_a_title_key_holds_only_letters_and_digits_and_ignores_case(title):
    key = title_key(title)
    assert key == "" or key.isalnum()
    assert title_key(f"  {title}\n") == key


@pytest.mark.parametrize(
    "part",
    [
        "(",
        "supplement ",
        "\\",
        "\\'{",
        "<i",
        "&amp",
        "version -",
        "é",
        "1 degree",
        "\\varepsilon",
        "$",
        " - ",
        "(s",
        "+",
        "*",
        "a*",
        "a$^{",
    ],
)
def test_a_huge_title_takes_linear_time(part):
    assert len(title_key(part * (100_000 // len(part)))) <= 700_000


def test_the_parts_of_a_title():
    assert title_parts("Owl-Net: Counting Owls: A Study") == (["owl", "net"], ["counting", "owls", "a", "study"])
    assert title_parts("OwlNet — Counting Owls") == (["owlnet"], ["counting", "owls"])
    assert title_parts("Self-supervised Owls") == (["self", "supervised", "owls"], [])
    assert title_parts(": Owls") == (["owls"], [])


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
