"""Author lists in all the ways they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.people import fold_name, incomparable, overlap, people


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada Quill", "A. Quill"),
        ("Ada Quill", "Quill, Ada"),
        ("Ada Quill", "Quill, A."),
        ("Ada Quill", "Quill A."),
        ("Ada Quill", "ADA QUILL"),
        ("Ada M. Quill", "Ada Quill"),
        ("A. Maria Quill", "Maria Quill"),
        ("Jörg Müßig", "Joerg Muessig"),
        ("Jörg Müller", "J. Muller"),
        ("Søren Bjørnø", "Soren Bjoernoe"),
        ("Łukasz Żółw", "Lukasz Zolw"),
        ("Pål Åsen", "Paal Aasen"),
        ("Jan van der Meer", "van der Meer, Jan"),
        ("Jan van der Meer", "J. Meer"),
        ("Jan de la Cruz", "Jan Cruz"),
        ("John Reed, Jr.", "John Reed"),
        ("Reed, Jr., John", "J. Reed"),
        ("John Reed III", "John Reed"),
        ("Wang Xiaoming", "Xiaoming Wang"),
        ("Xiao-Ming Wang", "Xiaoming Wang"),
        ("Xiao Ming Wang", "Xiaoming Wang"),
        ("Wang Xiao-Ming", "Xiaoming Wang"),
        ("X.-M. Wang", "Xiao-Ming Wang"),
        ("Wei Wang 0001", "Wei Wang"),
        ("Mary O’Hara", "Mary O'Hara"),
        ("Ana Ruiz Vega", "Ana Ruiz"),
        ("Ana Ruiz-Vega", "A. Vega"),
        ("Prof. Ada Quill", "Ada Quill"),
        ("Ada Quill1", "Ada Quill"),
        ("Ada Quill2*", "Quill, Ada"),
        ("Ada Quill1,2", "Ada Quill"),
        ("Ada Quill¹†", "A. Quill"),
        ("Ada Quill ‡", "Ada Quill"),
        ("Quill12, Ada", "Ada Quill"),
    ],
)
def test_one_person(one, other):
    assert overlap([one], [other]).shared == 1
    assert overlap([other], [one]).shared == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada Quill", "Bo Quill"),
        ("Ada Quill", "Ada Rho"),
        ("Hao Wang", "Hui Wang"),
        ("J. A. Reed", "J. B. Reed"),
        ("Li Xue", "Li Xu"),
        ("", "Ada Quill"),
        ("...", "..."),
        ("1", "1"),
        ("Ada Quill1", "Ada Quill2"),
        ("Anonymous", "Anonymous"),
        ("Anonymous Authors", "Anonymous Authors"),
        ("Anonymous Authors1", "Anonymous Author(s)"),
        ("Unknown", "unknown"),
    ],
)
def test_two_people(one, other):
    assert overlap([one], [other]).shared == 0


THREE = ["Ada Quill", "Bo Rho", "Cy Dahl"]


@pytest.mark.parametrize(
    "written",
    [
        ["Ada Quill, Bo Rho, Cy Dahl"],
        ["Ada Quill, Bo Rho and Cy Dahl"],
        ["Ada Quill, Bo Rho, and Cy Dahl"],
        ["Ada Quill; Bo Rho; Cy Dahl"],
        ["Quill, Ada; Rho, Bo; Dahl, Cy"],
        ["Quill, Ada and Rho, Bo and Dahl, Cy"],
        ["Quill, A., Rho, B., Dahl, C."],
        ["A. Quill, B. Rho & C. Dahl"],
        ["Quill, Ada", "Rho, Bo", "Dahl, Cy"],
        ["Cy Dahl", "Ada Quill", "Bo Rho"],
        ["Ada Quill1, Bo Rho2*, Cy Dahl1"],
        ["Ada Quill1,2, Bo Rho2,*, and Cy Dahl¹†"],
        ["Ada Quill1,2,3, Bo Rho1,2,3, Cy Dahl1,2,3"],
        ["Ada Quill1,2", "Bo Rho*", "Cy Dahl3,†"],
        [*THREE, *THREE],
    ],
)
def test_one_list(written):
    found = overlap(written, THREE)
    assert (found.shared, found.fewer, found.more, found.share) == (3, 3, 3, 1.0)


@pytest.mark.parametrize("rest", ["et al.", "et al", "and others", "...", "…", "and 12 others"])
def test_lists_cut_short(rest):
    for written in ([f"Ada Quill {rest}"], ["Ada Quill", rest]):
        found = overlap(written, THREE)
        assert found.cut_short
        assert found.all_of_fewer
        assert (found.shared, found.fewer, found.share) == (1, 1, 1.0)


def test_a_short_list_is_not_a_list_cut_short():
    found = overlap(THREE[:1], THREE)
    assert found.all_of_fewer
    assert not found.cut_short
    assert found.share == pytest.approx(1 / 3)


def test_nobody_is_counted_twice():
    assert overlap(["A. Quill"], ["Ada Quill", "Amy Quill"]).shared == 1
    assert overlap(["Ada Quill", "Amy Quill"], ["A. Quill"]).shared == 1


def test_a_collaboration_of_thousands():
    letters = "bcdfghjklmnpqrstvwxz"
    long = [
        f"{chr(65 + i % 26)}nna{letters[i % 20]} F{letters[i // 4 % 20]}{letters[i // 80 % 20]}{letters[i // 1600]}mily"
        for i in range(3_000)
    ]
    short = [f"{name[0]}. {name.split()[1]}" for name in reversed(long)]
    found = overlap(long, short)
    assert found.more == 3_000
    assert found.shared == found.fewer > 2_990


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (["Y. Wang"], ["Yang Wang", "Q. Rao"], True),
        (["Y. Wang"], ["Y. Wang"], True),
        (["Wang"], ["Yang Wang"], True),
        (["Yang Wang"], ["Wang Yang"], False),
        (["Yang Wang"], ["Yang X. Wang"], False),
        (["王小明"], ["王小明"], False),
        (["Y. Wang", "Ada Quill"], ["Yang Wang", "Ada Quill"], False),
        (["Ada Quill"], ["Bo Rho"], False),
    ],
)
def test_agreement_by_initials_alone(one, other, expected):
    assert overlap(one, other).by_initials is expected
    assert overlap(other, one).by_initials is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (["王小明"], ["Xiaoming Wang"], True),
        (["Иван Петров"], ["Ivan Petrov"], True),
        (["王小明"], ["Иван Петров"], True),
        (["Ада Квилл", "Bo Rho"], ["Ada Quill"], False),
        (["王小明 (Xiaoming Wang)"], ["Xiaoming Wang"], False),
        (["やまだ"], ["山田"], False),
        (["Łukasz Żółw"], ["Lukasz Zolw"], False),
        (["Ada Quill"], ["Bo Rho"], False),
        ([], ["Ada Quill"], True),
        (["Anonymous Authors"], ["Ada Quill"], True),
        ([], [], True),
    ],
)
def test_names_that_cannot_be_compared(one, other, expected):
    assert incomparable(one, other) is expected
    assert incomparable(other, one) is expected


NAMES = st.lists(
    st.text(max_size=12) | st.sampled_from([*THREE, "A. Quill", "Rho, Bo", "Quill and Rho", "et al."]), max_size=6
)


@given(NAMES, NAMES)
def test_overlap_is_symmetric_and_bounded(one, other):
    found = overlap(one, other)
    assert found == overlap(other, one)
    assert not (incomparable(one, other) and found.shared)
    assert 0 <= found.shared <= found.fewer <= found.more
    assert 0.0 <= found.share <= 1.0


@given(NAMES, st.randoms(use_true_random=False))
def test_a_list_is_itself_in_any_order(names, random):
    whole = overlap(names, names)
    assert whole.shared == whole.fewer == whole.more == len(people(names)[0])
    shuffled = [n for n in names if "," not in n and "et al" not in n]
    other = list(shuffled)
    random.shuffle(other)
    assert overlap(shuffled, other).shared == overlap(shuffled, shuffled).shared


@given(st.text())
def test_any_text_is_a_name_or_none(text):
    name = fold_name(text)
    assert bool(name.words) == bool(name.family)


@pytest.mark.parametrize(
    "part", [",", " and ", "et al", "a b, ", " ", "...", "-", ";", "x", "é ", "a1", "1 ", "1", "*,"]
)
def test_a_huge_list_takes_linear_time(part):
    text = part * (100_000 // len(part))
    assert overlap([text], [text]).more <= 50_001
