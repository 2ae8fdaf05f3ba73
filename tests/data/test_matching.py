"""Which records are one paper: a table of invented pairs for every rule, and what holds for all pairs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.matching import Described, Verdict, decide, match_keys, says_nothing
from data.wording import compare_titles

SAME, UNSURE, DIFFERENT = Verdict.SAME, Verdict.UNSURE, Verdict.DIFFERENT

TITLE = "Counting Barn Owls by Sound with Sparse Wavelet Attention"
AUTHORS = ("Ada Quill", "Bo Rho", "Cy Dahl")
PAPER = Described(title=TITLE, authors=AUTHORS, year=2021, venue="ICML")
PREPRINT = replace(PAPER, year=2020, venue="arXiv")

OWLS = " ".join(f"owlish{chr(97 + i // 5)}{chr(97 + i % 5)}" for i in range(60))
"""An abstract of sixty different words."""
LARKS = OWLS.replace("owlish", "larkish")


def verdict(a: Described, b: Described, cosine: float | None = None) -> Verdict:
    forth, back = decide(a, b, cosine=cosine), decide(b, a, cosine=cosine)
    assert forth.verdict is back.verdict
    assert 0 < len(forth.reason) < 300
    assert "\n" not in forth.reason
    return forth.verdict


def titled(one: str, other: str, a: Described = PREPRINT, b: Described = PAPER) -> Verdict:
    return verdict(replace(a, title=one), replace(b, title=other))


# --- ids --------------------------------------------------------------------------------------------------------------


def test_a_shared_id_joins_whatever_else_is_said():
    other = Described(title="Larks", authors=("Di Elk",), year=1999, ids={"arxiv": "2001.00001"})
    assert verdict(replace(PAPER, ids={"arxiv": "2001.00001"}), other) is SAME


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"arxiv": "2001.00001"}, {"arxiv": "2001.00002"}, UNSURE),
        ({"doi": "10.1000/a"}, {"doi": "10.1000/b"}, UNSURE),
        ({"openreview": "AAAAAAAAAA"}, {"openreview": "BBBBBBBBBB"}, UNSURE),
        ({"doi": "10.1000/a", "arxiv": "2001.00001"}, {"doi": "10.1000/b", "arxiv": "2001.00001"}, UNSURE),
        ({"doi": "10.1101/2020.01.01.123456"}, {"doi": "10.1000/b"}, SAME),
        ({"doi": "10.21203/rs.3.rs-1/v1"}, {"doi": "10.1000/b"}, SAME),
        ({"arxiv": "2001.00001"}, {"doi": "10.1000/b"}, SAME),
    ],
)
def test_two_ids_of_one_scheme_never_join(one, other, expected):
    assert verdict(replace(PREPRINT, ids=one), replace(PAPER, ids=other)) is expected


def test_two_ids_and_other_titles_are_two_papers():
    one, other = replace(PREPRINT, ids={"cvf": "a"}), replace(PAPER, ids={"cvf": "b"}, title=f"Towards {TITLE}")
    assert verdict(one, other) is DIFFERENT


# --- equal titles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authors", "other", "expected"),
    [
        (AUTHORS, ("A. Quill", "B. Rho", "C. Dahl"), SAME),
        (AUTHORS, ("Dahl, Cy", "Rho, Bo", "Quill, Ada"), SAME),
        (AUTHORS, ("Ada Quill, Bo Rho, Cy Dahl",), SAME),
        (AUTHORS, ("Ada Quill; Bo Rho; Cy Dahl",), SAME),
        (AUTHORS, ("Quill, Ada and Rho, Bo and Dahl, Cy",), SAME),
        (AUTHORS, ("Ada Quill et al.",), SAME),
        (AUTHORS, ("Ada Quill", "Bo Rho", "Di Elk"), SAME),
        (AUTHORS, ("Ada Quill", "Di Elk", "Ed Fern"), UNSURE),
        (AUTHORS, ("Di Elk", "Ed Fern"), DIFFERENT),
        (AUTHORS, (), UNSURE),
        ((), (), UNSURE),
    ],
)
def test_equal_titles_need_people_in_common(authors, other, expected):
    assert verdict(replace(PREPRINT, authors=authors), replace(PAPER, authors=other)) is expected


@pytest.mark.parametrize(
    ("year", "authors", "expected"),
    [
        (2019, AUTHORS, SAME),
        (2019, AUTHORS[:2], SAME),
        (2016, AUTHORS, SAME),
        (2016, AUTHORS[:2], UNSURE),
        (2011, AUTHORS, UNSURE),
        (None, AUTHORS, SAME),
    ],
)
def test_equal_titles_years_apart(year, authors, expected):
    assert verdict(replace(PREPRINT, year=year, authors=authors), PAPER) is expected


@pytest.mark.parametrize(
    "title", ["Editorial", "Reply", "Untitled", "Introduction", "Preface", "Guest Editorial", "", "..."]
)
def test_titles_that_many_papers_have(title):
    assert titled(title, title) is DIFFERENT
    assert says_nothing(title.lower().replace(" ", "").strip("."))
    with_id = replace(PAPER, title=title, ids={"doi": "10.1000/a"})
    assert verdict(with_id, with_id) is SAME


def test_short_titles_need_everybody():
    short = replace(PAPER, title="Owl R-CNN")
    assert verdict(short, replace(short, venue="arXiv")) is SAME
    assert verdict(short, replace(short, venue="arXiv", authors=(*AUTHORS[:2], "Di Elk"))) is UNSURE
    assert verdict(short, replace(short, authors=())) is DIFFERENT


def test_equal_abstracts_make_up_for_authors():
    few = ("Ada Quill", "Di Elk", "Ed Fern")
    assert verdict(replace(PREPRINT, authors=few, abstract=OWLS), replace(PAPER, abstract=OWLS)) is SAME
    assert verdict(replace(PREPRINT, authors=few, abstract=OWLS), replace(PAPER, abstract=LARKS)) is UNSURE


# --- retitled papers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        f"OwlNet: {TITLE}",
        f"Towards {TITLE}",
        f"The {TITLE}",
        f"Robust {TITLE}",
        f"{TITLE}: A Case Study",
        f"Supplementary material for {TITLE}",
        f"{TITLE} (Extended Abstract)",
        "Counting Barn Owls by Sounds with Sparse Wavelet Attention",
        "Counting Barn Owls by Sound using Sparse Wavelet Attention",
        "Counting Barn Owls by Sound with Sparse Wavlet Attention",
        "Counting Barn Owls by Sound with Sparse Wavelet-Attention",
        "Counting Barn-Owls by Sound with a Sparse Wavelet Attention",
        "Sparse Wavelet Attention for Counting Barn Owls by Sound",
        "Counting Barn Owls by Voice with Sparse Wavelet Attention",
        "Counting Barn Owls with Sparse Wavelet Attention",
        "Counting BOs by Sound with Sparse Wavelet Attention",
    ],
)
def test_a_preprint_under_its_other_title(other):
    assert titled(other, TITLE) is SAME
    assert titled(TITLE, other) is SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hoot: Modelling the Colour of Barn Owls", "Hoot: Modeling the Color of Barn Owls"),
        ("Screech: Counting Barn Owls from Noisy Wavelets", "Hoot: Counting Barn Owls from Noisy Wavelets"),
        ("Three Ways of Counting Barn Owls from Wavelets", "3 Ways of Counting Barn Owls from Wavelets"),
        ("Pre-training Barn Owl Wavelet Encoders", "Pretrained Barn Owl Wavelet Encoders"),
        ("Markov Decision Processes for Barn Owl Counting", "MDPs for Barn Owl Counting"),
        ("Barn Owl (Non)answers: Sparse Wavelets", "Barn owl nonanswers: sparse wavelet"),
        ("Owl Programs IV: Counting Barn Owls from Noisy Wavelets", "Counting Barn Owls from Noisy Wavelets"),
    ],
)
def test_more_ways_of_retitling(one, other):
    assert titled(one, other) is SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Counting Owls by Sparse Sound, Part I", "Counting Owls by Sparse Sound, Part II"),
        ("Counting Owls by Sparse Sound, Part 1", "Counting Owls by Sparse Sound, Part 2"),
        ("Counting Owls by Sparse Sound", "Counting Owls by Sparse Sound II"),
        ("Counting Owls by Sparse Sound", "Counting Owls by Sparse Sound, Part Two"),
        ("Three Owls Counted by Sparse Sound", "Four Owls Counted by Sparse Sound"),
        ("A First Look at Counting Owls by Sparse Sound", "A Second Look at Counting Owls by Sparse Sound"),
        ("OwlNetv3: Counting Owls by Sparse Sound", "OwlNetv4: Counting Owls by Sparse Sound"),
        ("OwlNet: Counting Owls by Sparse Sound", "OwlNet-2: Counting Owls by Sparse Sound"),
        ("OwlNet: Counting Owls by Sparse Sound", "OwlNetv2: Counting Owls by Sparse Sound"),
        ("GPT for Counting Owls by Sparse Sound", "GPT-4 for Counting Owls by Sparse Sound"),
        ("Zero-Shot Counting of Owls by Sound", "Few-Shot Counting of Owls by Sound"),
        ("Counting Owls by Sound Is Hard", "Counting Owls by Sound Is Not Hard"),
        ("Upper Bounds on Counting of Owls by Sound", "Lower Bounds on Counting of Owls by Sound"),
        ("Counting Owls by Sparse Sound in 2D", "Counting Owls by Sparse Sound in 3D"),
        ("SE(2)-Equivariant Counting of Owls by Sound", "SE(3)-Equivariant Counting of Owls by Sound"),
        ("The Owl Counting Challenge by Sound 2019", "The Owl Counting Challenge by Sound 2020"),
        ("Supervised Counting of Owls by Sound", "Unsupervised Counting of Owls by Sound"),
        ("Supervised Counting of Owls by Sound", "Self-supervised Counting of Owls by Sound"),
        ("Supervised Counting of Owls by Sound", "Semi-supervised Counting of Owls by Sound"),
        ("Semi-supervised Counting of Owls by Sound", "Self-supervised Counting of Owls by Sound"),
        ("Counting Owls by Sound with Labels", "Counting Owls by Sound without Labels"),
        ("Convex Counting of Owls by Sound", "Non-convex Counting of Owls by Sound"),
        ("Convex Counting of Owls by Sound", "Nonconvex Counting of Owls by Sound"),
        ("Online Counting of Owls by Sound", "Offline Counting of Owls by Sound"),
        ("Discrete Counting of Owls by Sound", "Continuous Counting of Owls by Sound"),
        ("Homogeneous Counting of Owls by Sound", "Heterogeneous Counting of Owls by Sound"),
        ("The Forward Problem of Owls by Sound", "The Inverse Problem of Owls by Sound"),
        ("Single-Agent Counting of Owls by Sound", "Multi-Agent Counting of Owls by Sound"),
        ("Linear Counting of Owls by Sound", "Nonlinear Counting of Owls by Sound"),
        ("Complete Counting of Owls by Sound", "Incomplete Counting of Owls by Sound"),
        ("Possible Counting of Owls by Sound", "Impossible Counting of Owls by Sound"),
        ("Counting Owls by Sparse Sound for English", "Counting Owls by Sparse Sound for German"),
        ("Counting Owls by Sparse Sound on CIFAR", "Counting Owls by Sparse Sound on ImageNet"),
        ("Counting Owls in Sparse Images", "Counting Owls in Sparse Videos"),
        ("Text-to-Image Counting of Owls", "Image-to-Text Counting of Owls"),
        ("Adapting Barn to Forest Owl Counting", "Adapting Forest to Barn Owl Counting"),
        ("Hoot: A Large-Scale Benchmark Dataset", "Screech: A Large-Scale Benchmark Dataset"),
    ],
)
def test_near_equal_titles_of_two_papers(one, other):
    assert titled(one, other) is DIFFERENT
    assert titled(other, one) is DIFFERENT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("OwlNet", "OwlNet++: Stable Counting"),
        ("OwlNet: Counting Owls by Sparse Sound", "OwlNet++: Counting Owls by Sparse Sound"),
        ("OwlNet+: Counting Owls by Sparse Sound", "OwlNet++: Counting Owls by Sparse Sound"),
        ("OwlNet: Counting Owls by Sparse Sound", "OwlNet*: Counting Owls by Sparse Sound"),
        ("A Search for Owls by Sparse Sound", "A* Search for Owls by Sparse Sound"),
        ("Counting Owls with C Programs", "Counting Owls with C++ Programs"),
        ("OwlNet for Counting Owls", "OwlNet-Plus for Counting Owls"),
        ("OwlNet for Counting Owls", "OwlNetPlus for Counting Owls"),
        ("OwlNet: Counting Owls by Sparse Sound", "OwlNet-Lite: Counting Owls by Sparse Sound"),
        ("OwlNet-XL: Counting Owls by Sparse Sound", "OwlNet-Mini: Counting Owls by Sparse Sound"),
        ("Counting Owls by Sparse Sound", "Counting Owls by Sparse Sound Revisited"),
        ("In-Distribution Counting of Owls", "Out-of-Distribution Counting of Owls"),
        ("Male Owl Counting by Sparse Sound", "Female Owl Counting by Sparse Sound"),
        ("Counting Owls by Sparse Sound for Task A", "Counting Owls by Sparse Sound for Task B"),
        ("Task A: Counting Owls by Sparse Sound", "Task C: Counting Owls by Sparse Sound"),
        ("Counting Owls by Sparse Sound", "Counting Owls by Sparse Sound B"),
        ("k-Fold Counting of Owls by Sound", "n-Fold Counting of Owls by Sound"),
        ("Sparse Networks Can Count Owls", "Sparse Networks Cannot Count Owls"),
        ("Sparse Networks Can Count Owls", "Sparse Networks Can't Count Owls"),
        ("Sparse Networks Count Owls by Sound", "Sparse Networks Fail to Count Owls by Sound"),
    ],
)
def test_signs_letters_and_words_behind_names_make_two_papers(one, other):
    assert titled(one, other) is DIFFERENT
    assert titled(other, one) is DIFFERENT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sound+Vision for Counting Barn Owls", "Sound and Vision for Counting Barn Owls"),
        ("Counting a Barn Owl by Sparse Sound", "Counting Barn Owls by Sparse Sound"),
        ("Sparse Networks Cannot Count Barn Owls", "Sparse Networks Can Not Count Barn Owls"),
        ("OwlNet-Plus: Counting Barn Owls by Sparse Sound", "Counting Barn Owls by Sparse Sound"),
        ("Counting Mini Barn Owls by Sparse Sound", "Counting Barn Owls by Sparse Sound"),
        ("Barn Owl Counting by Sound Revisited", "Revisiting Barn Owl Counting by Sound"),
        ("Out-of-Distribution Barn Owl Counting by Sound", "OOD Barn Owl Counting by Sound"),
    ],
)
def test_what_is_no_sign_of_two_papers(one, other):
    assert titled(one, other) is SAME
    assert titled(other, one) is SAME


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("BarnBench: A Large-Scale Benchmark for Counting Owls", "FarmGate: A Large-Scale Benchmark for Counting Owls", UNSURE),
        ("BarnOwls: A Large Data Set for Counting Owls", "FarmOwls: A Large Data Set for Counting Owls", UNSURE),
        ("BarnBench: A Large-Scale Benchmark for Counting Owls", "A Large-Scale Benchmark for Counting Owls", SAME),
        ("BarnBench: A Large-Scale Benchmark for Counting Owls", "BBench: A Large-Scale Benchmark for Counting Owls", SAME),
        ("Screech: Counting Barn Owls from Wavelets", "Hoot: Counting Barn Owls from Wavelets", SAME),
    ],
)  # fmt: skip
def test_two_names_of_data_sets(one, other, expected):
    assert titled(one, other) is expected
    a, b = replace(PREPRINT, abstract=OWLS), replace(PAPER, abstract=OWLS)
    assert titled(one, other, a, b) is SAME
    assert verdict(replace(PREPRINT, title=one), replace(PAPER, title=other), 0.99) is expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Report on the Barn Owl Challenge", UNSURE),
        ("An Overview of the Barn Owl Shared Task", UNSURE),
        ("Findings of the Workshop on Barn Owls", UNSURE),
        ("Summary of the Barn Owl Competition", UNSURE),
        ("Proceedings of the Society of Barn Owls", UNSURE),
        ("Overview of Barn Owl Tracking Methods", SAME),
        ("The Barn Owl Challenge and What We Learnt", SAME),
    ],
)
def test_what_appears_every_year_under_one_title(title, expected):
    assert titled(title, title) is expected
    same_year = replace(PREPRINT, year=PAPER.year)
    assert titled(title, title, same_year) is SAME


@pytest.mark.parametrize(
    ("authors", "other", "title", "venue", "expected"),
    [
        (("Y. Wang",), ("Yang Wang", "Q. Rao", "F. Elk"), "Counting Barn Owls", "arXiv", UNSURE),
        (("Y. Wang",), ("Yang Wang", "Q. Rao", "F. Elk"), TITLE, "arXiv", SAME),
        (("Y. Wang",), ("Yang Wang", "Q. Rao", "F. Elk"), TITLE, "CVPR", UNSURE),
        (("W. Zhang", "Y. Li"), ("Wei Zhang", "Xin Chen"), TITLE, "arXiv", UNSURE),
        (("W. Zhang", "Y. Li"), ("Wei Zhang", "Yu Li"), "Counting Barn Owls", "arXiv", SAME),
        (("Wei Zhang",), ("Wei Zhang", "Xin Chen"), "Counting Barn Owls", "arXiv", SAME),
        (("Anonymous",), AUTHORS, TITLE, "arXiv", UNSURE),
        (("Anonymous Authors",), ("Anonymous Authors",), "Counting Barn Owls", "arXiv", DIFFERENT),
        (("王小明",), ("Xiaoming Wang",), "Counting Barn Owls", "arXiv", UNSURE),
        (("Иван Петров",), ("Ivan Petrov",), TITLE, "arXiv", UNSURE),
        (("Ada Quill1, Bo Rho2*, Cy Dahl1",), AUTHORS, "Counting Barn Owls", "arXiv", SAME),
    ],
)
def test_equal_titles_of_people_who_may_be_others(authors, other, title, venue, expected):
    one = replace(PREPRINT, title=title, venue=venue, authors=authors)
    assert verdict(one, replace(PAPER, title=title, authors=other)) is expected


def test_like_abstracts_make_up_for_initials():
    one = replace(PREPRINT, title="Counting Barn Owls", authors=("A. Quill",), abstract=OWLS)
    other = replace(PAPER, title=one.title, abstract=OWLS)
    assert verdict(one, other) is SAME
    assert verdict(one, replace(other, abstract=LARKS)) is UNSURE


def test_a_reason_names_what_tells_titles_apart():
    decision = decide(replace(PREPRINT, title="Owls by Sound in 2D"), replace(PAPER, title="Owls by Sound in 3D"))
    assert decision.reason == "titles differ: 2d against 3d"


RETITLED = TITLE.replace("Sparse", "Greedy")
"""One content word of seven exchanged."""


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("arXiv", "ICML", SAME),
        ("CoRR", "Journal of Owls", SAME),
        ("Submitted to ICLR 2021", "ICML", SAME),
        ("arXiv", "arXiv", DIFFERENT),
        ("ICML", "CVPR", DIFFERENT),
        ("ICML", "ICML", DIFFERENT),
    ],
)
def test_people_reuse_titles_so_that_only_a_preprint_may_differ_in_words(one, other, expected):
    assert verdict(replace(PAPER, venue=one), replace(PAPER, venue=other, title=RETITLED)) is expected


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ({"arxiv": "2001.00001"}, {"cvf": "CVPR2021/x"}, True),
        ({"arxiv": "2001.00001"}, {}, False),
        ({"acl": "2021.acl-long.1"}, {"cvf": "CVPR2021/x"}, False),
    ],
)
def test_ids_say_what_a_record_without_venue_is(one, other, joined):
    a, b = replace(PAPER, venue="", ids=one), replace(PAPER, venue="", ids=other, title=RETITLED)
    assert (verdict(a, b) is SAME) == joined


@pytest.mark.parametrize("venues", [("ICML", "icml"), ("ICLR", "ICML"), ("", "ICML"), ("", "")])
def test_typos_and_inflections_are_one_paper_wherever_it_is_published(venues):
    typo = replace(PAPER, venue=venues[0], title=TITLE.replace("Attention", "Attenton"))
    assert verdict(typo, replace(PAPER, venue=venues[1])) is SAME


@pytest.mark.parametrize(
    ("authors", "other", "expected"),
    [
        (AUTHORS[:2], f"OwlNet: {TITLE}", SAME),
        (AUTHORS[:1], TITLE.replace("Owls", "Owl"), SAME),
        (("Ada Quill", "Di Elk", "Ed Fern"), f"OwlNet: {TITLE}", DIFFERENT),
        ((), f"OwlNet: {TITLE}", DIFFERENT),
        (("Ada Quill et al.",), RETITLED, SAME),
    ],
)
def test_other_titles_need_more_people_in_common(authors, other, expected):
    assert verdict(replace(PREPRINT, authors=authors, title=other), PAPER) is expected


@pytest.mark.parametrize(
    ("preprint", "published", "expected"),
    [(2019, 2021, SAME), (2018, 2021, DIFFERENT), (2022, 2021, DIFFERENT), (2010, 2021, DIFFERENT), (None, 2021, SAME)],
)
def test_a_retitled_preprint_comes_before_the_paper(preprint, published, expected):
    retitled = "Counting Barn Owls by Voice with Greedy Wavelet Attention"
    found = verdict(replace(PREPRINT, title=RETITLED, year=preprint), replace(PAPER, year=published))
    assert found is expected if expected is SAME else found is not SAME
    assert verdict(replace(PREPRINT, title=retitled, year=preprint), replace(PAPER, year=published)) is not SAME


def test_an_extended_abstract_elsewhere_is_left_to_the_user():
    assert verdict(PAPER, replace(PAPER, title=f"{TITLE} (Extended Abstract)", venue="IJCAI", year=2022)) is UNSURE


# --- abstracts, comments, vectors -------------------------------------------------------------------------------------

HALF_RETITLED = "Wavelet Attention Counts Barn Owls in Sound Recordings"


def test_like_abstracts_join_and_unlike_ones_part():
    one, other = replace(PREPRINT, title=HALF_RETITLED), PAPER
    assert verdict(one, other) is not SAME
    assert verdict(replace(one, abstract=OWLS), replace(other, abstract=OWLS)) is SAME
    one = replace(PREPRINT, title=RETITLED)
    assert verdict(one, other) is SAME
    assert verdict(replace(one, abstract=OWLS), replace(other, abstract=LARKS)) is DIFFERENT


def test_short_abstracts_say_nothing():
    one = replace(PREPRINT, title=RETITLED, abstract="We count owls.")
    assert verdict(one, replace(PAPER, abstract="Larks are left out.")) is SAME


def test_like_abstracts_of_two_preprints_are_left_to_the_user():
    one = replace(PREPRINT, title=f"OwlNet: {TITLE}", abstract=OWLS)
    assert verdict(one, replace(PREPRINT, abstract=OWLS)) is UNSURE


def test_a_comment_that_names_the_venue_counts():
    one = replace(PREPRINT, title="Counting Barn Owls by Sound through a Greedy Wavelet Attention")
    assert verdict(one, PAPER) is UNSURE
    assert verdict(replace(one, comment="Accepted at ICML 2021"), PAPER) is SAME
    assert verdict(replace(one, comment="Rejected from XICMLX"), PAPER) is UNSURE


def test_the_cosine_settles_what_is_unsure():
    one = replace(PREPRINT, title="Counting Barn Owls by Sound through a Greedy Wavelet Attention")
    assert verdict(one, PAPER) is UNSURE
    assert verdict(one, PAPER, 0.97) is SAME
    assert verdict(one, PAPER, 0.9) is UNSURE
    assert verdict(one, PAPER, 0.3) is DIFFERENT
    assert verdict(replace(PREPRINT, title=RETITLED), PAPER, 0.3) is DIFFERENT
    assert verdict(PREPRINT, PAPER, 0.3) is SAME
    assert verdict(replace(PREPRINT, title="Larks at Dawn in Wide Meadows"), PAPER, 0.99) is DIFFERENT


def test_the_cosine_never_overrules_ids():
    one, other = replace(PREPRINT, ids={"arxiv": "2001.00001"}), replace(PAPER, ids={"arxiv": "2001.00002"})
    assert verdict(one, other, 1.0) is UNSURE


# --- what holds for all pairs -----------------------------------------------------------------------------------------

# fmt: off
WORDS = st.sampled_from([
    "counting", "barn", "owls", "larks", "sound", "sparse", "wavelet", "attention", "deep", "neural", "network", "2d",
    "3d", "i", "ii", "part", "two", "convex", "nonconvex", "supervised", "unsupervised", "english", "german", "to",
    "from",
    "with",
    "without", "a", "the", "supplementary", "material", "owlnet:", ":", "-", "(extended abstract)", "image",
    "text", "mdp",
    "markov", "decision", "processes", "model", "models",
])
# fmt: on
TITLES = st.lists(WORDS, max_size=9).map(" ".join) | st.text(max_size=40)
PEOPLE = st.lists(
    st.sampled_from(["Ada Quill", "A. Quill", "Rho, Bo", "Bo Rho", "Cy Dahl", "Dahl Cy", "et al.", "Jörg Müller"]),
    max_size=4,
)
IDS = st.dictionaries(st.sampled_from(["arxiv", "doi", "cvf"]), st.sampled_from(["10.1000/a", "10.1000/b"]), max_size=2)
RECORDS = st.builds(
    Described,
    title=TITLES,
    authors=PEOPLE.map(tuple),
    year=st.none() | st.integers(2015, 2024),
    venue=st.sampled_from(["", "arXiv", "ICML", "CVPR"]),
    ids=IDS,
    abstract=st.sampled_from(["", OWLS, LARKS]),
    comment=st.sampled_from(["", "Accepted at ICML"]),
)
COSINES = st.none() | st.floats(-1, 1)


@given(RECORDS, RECORDS, COSINES)
def test_the_verdict_is_symmetric(a, b, cosine):
    verdict(a, b, cosine)


@given(RECORDS, RECORDS, COSINES)
def test_an_id_conflict_never_joins(a, b, cosine):
    if any(a.ids[scheme] != b.ids[scheme] for scheme in a.ids.keys() & b.ids.keys()):
        assert verdict(a, b, cosine) is not SAME


@given(RECORDS, COSINES)
def test_a_paper_with_authors_is_itself(record, cosine):
    paper = replace(record, title=f"{record.title} {TITLE}", authors=(*record.authors, *AUTHORS))
    assert verdict(paper, paper, cosine) is SAME


@given(
    st.permutations(AUTHORS),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(["{g} {f}", "{f}, {g}", "{i}. {f}", "{f}, {i}."]),
    st.sampled_from([None, "; ", " and "]),
)
def test_case_order_initials_and_separators_do_not_count(authors, case, form, separator):
    written = tuple(form.format(g=n.split()[0], f=n.split()[1], i=n[0]) for n in authors)
    written = (separator.join(written),) if separator else written
    assert verdict(replace(PREPRINT, title=case(TITLE), authors=written), PAPER) is SAME
    assert set(match_keys(case(TITLE), AUTHORS)) == set(match_keys(TITLE, AUTHORS))


@given(st.lists(WORDS, min_size=1, max_size=10).map(" ".join))
def test_a_title_agrees_with_itself(title):
    wording = compare_titles(title, title)
    assert not wording.guard
    assert wording.agreement in (0.0, 1.0)


# --- the candidate index ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        f"OwlNet: {TITLE}",
        f"Supplementary material for {TITLE}",
        f"Towards Robust {TITLE}",
        f"{TITLE} in the Dark",
        "Counting Barn Owls by Voice with Sparse Wavelet Attention",
        "Counting Barn Owl by Sound with Greedy Wavelets",
    ],
)
@pytest.mark.parametrize("authors", [AUTHORS, ("Quill, A.",), ("A. Quill et al.",), ("Quill, Ada; Rho, Bo",)])
def test_retitled_papers_meet_in_the_index(other, authors):
    keys = match_keys(TITLE, AUTHORS)
    assert 0 < len(keys) <= 4
    assert set(keys) & set(match_keys(other, authors))


def test_papers_of_other_people_or_words_do_not_meet():
    keys = set(match_keys(TITLE, AUTHORS))
    assert not keys & set(match_keys(TITLE, ("Di Elk", *AUTHORS)))
    assert not keys & set(match_keys("Larks at Dawn in Wide Meadows", AUTHORS))


@pytest.mark.parametrize(
    ("title", "authors"), [("", AUTHORS), ("Owls", AUTHORS), (TITLE, ()), (TITLE, ("",)), ("---", AUTHORS)]
)
def test_no_keys_where_there_is_nothing_to_say(title, authors):
    assert match_keys(title, authors) == ()


@given(st.text(), st.lists(st.text(), max_size=3))
def test_keys_are_few_stable_and_fit_sqlite(title, authors):
    keys = match_keys(title, authors)
    assert keys == match_keys(title, authors)
    assert len(set(keys)) == len(keys) <= 4
    assert all(-(2**63) <= key < 2**63 for key in keys)


@pytest.mark.parametrize(
    "part", ["owl ", "a:", "(", "to ", "supplement ", "non ", "éb ", "2 ", "\\", " - ", "a*", "+", "overview of "]
)
def test_huge_records_take_linear_time(part):
    text = part * (100_000 // len(part))
    one = Described(title=text, authors=AUTHORS, abstract=text, comment=text, venue="arXiv")
    assert verdict(one, replace(one, title=f"{text} x", authors=("Quill, Ada; Rho, Bo; Dahl, Cy",))) in Verdict
    assert len(match_keys(text, (text,))) <= 4
