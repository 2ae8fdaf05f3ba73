r"""Papers in other people's forms, read back by the parsers that other people use."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import bibtexparser
import jsonschema
import pytest
import rispy
from bibtexparser import Library
from hypothesis import given
from hypothesis import strategies as st

from app.cli import run
from app.exports import FORMS, Item, bibtex, export, parted, told_apart
from app.jobs import import_file
from app.wiring import Frontier
from crawler.bibtex import read_bibtex
from data.library import Entry, mark
from data.papers import Paper
from data.records import PaperRecord
from tests.conftest import NOW

Make = Callable[..., PaperRecord]

IDS = ("arxiv:2511.00001", "doi:10.1000/a_b")

NAME = {
    "oneOf": [
        {"type": "object", "required": ["literal"], "properties": {"literal": {"type": "string"}},
         "additionalProperties": False},
        {"type": "object", "required": ["family"], "properties": {"family": {"type": "string"}, "given": {"type": "string"}},
         "additionalProperties": False},
    ]
}  # fmt: skip
TEXT = {"type": "string", "minLength": 1}
CSL: dict[str, Any] = {  # of the variables and types of CSL 1.0.2, those that we use
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "type"],
        "properties": {
            "id": TEXT,
            "type": {"enum": ["article", "article-journal", "paper-conference"]},
            **dict.fromkeys(
                (
                    "title",
                    "container-title",
                    "abstract",
                    "DOI",
                    "URL",
                    "archive",
                    "archive_location",
                    "keyword",
                    "note",
                ),
                TEXT,
            ),
            "author": {"type": "array", "items": NAME},
            "issued": {
                "type": "object",
                "required": ["date-parts"],
                "properties": {
                    "date-parts": {
                        "type": "array",
                        "items": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
                    }
                },
            },
        },
        "additionalProperties": False,
    },
}


def paper(**changes: Any) -> Paper:
    known: dict[str, Any] = {
        "id": 1,
        "key": "arxiv:2511.00001",
        "title": "BERT at 5% of $O(n^2)$: An Über-Study & more_or_less",
        "abstract": "We walk.\n\nThen we run.",
        "authors": ("Łukasz Nowak", "Laurens van der Maaten", "The Meadow Team", "Fei-Fei Li"),
        "year": 2025,
        "published": date(2025, 11, 21),
        "url": "https://arxiv.org/abs/2511.00001",
        "categories": ("cs.LG", "cs.CV"),
        "keywords": ("walks",),
    }
    return Paper(**{**known, **changes})


def bib(*entries: str) -> Library:
    found = bibtexparser.parse_string("\n\n".join(entries))
    assert not found.failed_blocks, [block.raw for block in found.failed_blocks]
    return found


# ---- BibTeX ------------------------------------------------------------------------------------------------------------


def test_a_preprint_in_bibtex() -> None:
    [entry] = bib(bibtex(paper(), IDS)).entries
    fields = {f.key: f.value for f in entry.fields}
    assert (entry.entry_type, entry.key) == ("misc", "nowak2025bert")
    assert fields == {
        "title": r"{BERT} at 5\% of {$O(n^2)$}: An Über-Study \& more\_or\_less",
        "author": r"Nowak, Łukasz and van der Maaten, Laurens and The Meadow Team and Li, Fei-Fei",
        "year": "2025",
        "eprint": "2511.00001",
        "archiveprefix": "arXiv",
        "primaryclass": "cs.LG",
        "doi": "10.1000/a_b",
        "url": "https://arxiv.org/abs/2511.00001",
        "month": "nov",
    }


@pytest.mark.parametrize(
    ("venue", "kind", "field"),
    [("CVPR", "inproceedings", "booktitle"), ("TPAMI", "article", "journal"), ("arXiv", "misc", ""), ("", "misc", "")],
)
def test_entry_types(venue: str, kind: str, field: str) -> None:
    [entry] = bib(bibtex(paper(venue=venue), IDS)).entries
    fields = {f.key: f.value for f in entry.fields}
    assert entry.entry_type == kind
    assert {"booktitle", "journal", "howpublished"} & fields.keys() == ({field} if field else set())
    assert not field or fields[field] == venue
    assert fields["eprint"] == "2511.00001"


def test_a_paper_that_is_not_on_arxiv_has_no_eprint() -> None:
    [entry] = bib(bibtex(paper(venue="CVPR"), ["cvf:cvpr2025/x"])).entries
    assert not {"eprint", "archiveprefix", "primaryclass"} & {f.key for f in entry.fields}


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("ResNet and GPT-4 in 3D", "{ResNet} and {GPT}-4 in {3D}"),
        ("Mixture-of-Depths Attention", "Mixture-of-Depths Attention"),
        (r"H$_{2}$O for \emph{SAM}", r"H{$_{2}$}O for \emph{{SAM}}"),
        (r"Schr\"odinger at 14\% & {x}", r"Schr\"odinger at 14\% \& \textbraceleft{}x\textbraceright{}"),
        ("From $5 to $10", r"From \$5 to \$10"),
        (r"$\input{/etc/passwd}$", r"\$\textbackslash{}input\textbraceleft{}/etc/passwd\textbraceright{}\$"),
        (r"\input{x} a^b~c", r"\textbackslash{}input\textbraceleft{}x\textbraceright{} a\textasciicircum{}b\textasciitilde{}c"),
        (r"$\{x$ and $a % b$", r"\$\textbackslash{}\textbraceleft{}x\$ and \$a \% b\$"),
        ("模型 für Übung", "模型 für Übung"),
    ],
)  # fmt: skip
def test_titles_in_latex(title: str, written: str) -> None:
    [entry] = bib(bibtex(paper(title=title), IDS)).entries
    assert entry["title"] == written


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Ada Okafor", ("Okafor", "Ada")),
        ("Geoffrey E. Hinton", ("Hinton", "Geoffrey E.")),
        ("J.-B. Alayrac", ("Alayrac", "J.-B.")),
        ("Laurens van der Maaten", ("van der Maaten", "Laurens")),
        ("Jürgen Weiß", ("Weiß", "Jürgen")),
        ("Plato", None),
        ("Maria Garcia Lopez", None),
        ("Luc Van Gool", None),
        ("Martin King Jr.", None),
        ("DeepSeek Team", None),
        ("张 伟", None),
        ("Radhika S", None),
        ("danah boyd", None),
        ("Doe, Jane", None),
    ],
)
def test_names_are_turned_only_where_that_is_sure(name: str, found: tuple[str, str] | None) -> None:
    assert parted(name) == found


def test_names_that_bibtex_would_take_apart_are_kept_whole() -> None:
    [entry] = bib(bibtex(paper(authors=("Sun and Moon", "Meadow, Inc.", "A {b}")), IDS)).entries
    assert entry["author"] == r"{Sun and Moon} and {Meadow, Inc.} and A \textbraceleft{}b\textbraceright{}"


def test_keys_are_unique_across_kinds_of_entries() -> None:
    made = list(told_apart([bibtex(paper(), IDS), bibtex(paper(venue="CVPR"), IDS), bibtex(paper(venue="TPAMI"), IDS)]))
    keys = [e.key for e in bib(*made).entries]
    assert keys == ["nowak2025bert", "nowak2025bert-2", "nowak2025bert-3"]


hostile = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40) | st.text(
    st.sampled_from(list("\\{}$%&#_^~\"'@,=abC \n")), max_size=40
)


@given(title=hostile, name=hostile, venue=hostile, url=hostile)
def test_no_text_breaks_a_bibtex_file(title: str, name: str, venue: str, url: str) -> None:
    odd = paper(title=title, authors=(name, "Ada Okafor"), venue=venue, url=f"https://x.example/{url}")
    library = bib(*told_apart([bibtex(odd, IDS), bibtex(paper(), IDS), bibtex(odd, IDS)]))
    assert len(library.entries) == 3
    assert [e["year"] for e in library.entries] == ["2025"] * 3
    assert all(f.value.count("{") == f.value.count("}") for f in library.entries[0].fields)
    assert library.entries[1]["author"].endswith("Li, Fei-Fei")


def test_our_own_import_reads_what_we_write(tmp_path: Path) -> None:
    titles = ["BERT at 5% & more_or_less #1", "A $O(n^2)$ walk", "Übung macht Meister", "GPT-4 and 5^3"]
    papers = [paper(id=n, title=title) for n, title in enumerate(titles)]
    path = tmp_path / "mine.bib"
    path.write_text("".join(export([Item(paper=p, ids=IDS) for p in papers], "bibtex")), "utf-8")
    records = list(read_bibtex(path, now=NOW))
    assert [r.title for r in records if isinstance(r, PaperRecord)] == titles
    assert all(isinstance(r, PaperRecord) and r.authors == papers[0].authors for r in records)
    assert {str(i) for r in records if isinstance(r, PaperRecord) for i in r.ids} == set(IDS)


# ---- RIS, CSL-JSON -------------------------------------------------------------------------------------------------------


def items() -> list[Item]:
    done = [
        Entry(paper_id=1, kind="tag", value="to read", at=NOW),
        Entry(paper_id=1, kind="note", value="two\nlines", at=NOW),
    ]
    return [
        Item(paper=paper(), ids=IDS, done=done),
        Item(paper=paper(venue="CVPR", url=""), ids=IDS),
        Item(paper=paper(venue="TPAMI", published=None, year=None, authors=(), abstract="")),
    ]


def test_ris_as_rispy_reads_it() -> None:
    first, second, third = rispy.load(StringIO("".join(export(items(), "ris")), newline=""))
    assert first == {
        "type_of_reference": "UNPB",
        "id": "arxiv:2511.00001",
        "title": paper().title,
        "authors": ["Nowak, Łukasz", "van der Maaten, Laurens", "The Meadow Team", "Li, Fei-Fei"],
        "year": "2025",
        "date": "2025/11/21",
        "abstract": "We walk. Then we run.",
        "doi": "10.1000/a_b",
        "name_of_database": "arXiv",
        "accession_number": "arXiv:2511.00001",
        "urls": ["https://arxiv.org/abs/2511.00001"],
        "keywords": ["walks", "to read"],
        "notes": ["two lines"],
    }
    assert (second["type_of_reference"], second["secondary_title"]) == ("CPAPER", "CVPR")
    assert (third["type_of_reference"], third["secondary_title"]) == ("JOUR", "TPAMI")


@given(title=hostile, abstract=hostile)
def test_no_text_breaks_a_ris_file(title: str, abstract: str) -> None:
    odd = Item(paper=paper(title=title, abstract=f"{abstract}\nER  - \r\nTY  - X"), ids=IDS)
    found = rispy.load(StringIO("".join(export([odd, *items()], "ris")), newline=""))
    assert [one["type_of_reference"] for one in found] == ["UNPB", "UNPB", "CPAPER", "JOUR"]
    assert "unknown_tag" not in found[0]


def test_csl_json_by_its_schema() -> None:
    made = json.loads("".join(export([*items(), *items()], "csl-json")))
    jsonschema.validate(made, CSL)
    assert [one["type"] for one in made[:3]] == ["article", "paper-conference", "article-journal"]
    assert made[0]["author"][2:] == [{"literal": "The Meadow Team"}, {"family": "Li", "given": "Fei-Fei"}]
    assert made[0]["issued"] == {"date-parts": [[2025, 11, 21]]}
    assert "issued" not in made[2]
    assert len({one["id"] for one in made}) == 6
    assert json.loads("".join(export([], "csl-json"))) == []


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(home: Path, record: Make) -> Path:
    store = Frontier().open_store()
    store.put("arxiv", [record(f"2511.0000{n}", title=f"Meadow {n}: of grass & {{sheep}}") for n in (1, 2, 3)], now=NOW)
    reader = Frontier().open_reader()
    mark(store, [reader.lookup("arxiv:2511.00002")], "tag", "Walks", now=NOW)
    mark(store, [reader.lookup("arxiv:2511.00003")], "save", now=NOW)
    mark(store, [reader.lookup("arxiv:2511.00001")], "hide", now=NOW)
    reader.close()
    store.close()
    return home


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["export", *arguments]) == 0
    return capsys.readouterr().out


def test_which_papers_are_written(
    filled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = re.compile(r"arxiv\.org/abs/(2511\.\d+)")
    assert len(ids.findall(out(capsys, "bibtex"))) > 2
    assert ids.findall(out(capsys, "bibtex", "--tag", "walks")) == ["2511.00002"]
    assert sorted(ids.findall(out(capsys, "ris", "--library"))) == ["2511.00002", "2511.00003"]
    assert ids.findall(out(capsys, "markdown", "arxiv:2511.00003", "2511.00001")) == ["2511.00003", "2511.00001"]
    monkeypatch.setattr(sys, "stdin", StringIO("arxiv:2511.00003\n\narxiv:2511.00003\n"))
    assert ids.findall(out(capsys, "csl-json", "-")) == ["2511.00003"]
    assert "Tags: Walks" in out(capsys, "markdown", "--tag", "Walks")
    assert "keywords = {Walks}" in out(capsys, "bibtex", "--tag", "Walks")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["bibtex", "--tag", "x"], 2, "no paper has the tag 'x'"),
        (["bibtex", "--tag", "x", "--library"], 2, "one of them"),
        (["bibtex", "arxiv:1.1"], 2, "not a paper id"),
        (["ris", "--feed", "day"], 2, "--feed NAME goes with"),
        (["ris", "--collection", "x"], 2, "go with zotero"),
        (["zotero"], 2, "--tag or --library"),
        (["zotero", "--library"], 2, "FRONTIER_ZOTERO_KEY"),
    ],
)
def test_wrong_questions(
    filled: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run(["export", *arguments]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("form", list(FORMS))
def test_a_whole_store_as_a_file(filled: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = filled / "out"
    assert run(["export", form, "--out", str(path)]) == 0
    assert "papers written" in capsys.readouterr().err
    text = path.read_text("utf-8")
    assert all(f"2511.0000{n}" in text for n in (1, 2, 3))


def test_json_lines_come_back_as_they_were(filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = filled / "all.jsonl"
    assert run(["export", "jsonl", "--out", str(path)]) == 0
    other = tmp_path / "other"
    other.mkdir()
    frontier = Frontier({"FRONTIER_HOME": str(other), "FRONTIER_NOW": NOW.isoformat()})
    import_file(frontier, path)
    reader, mine = frontier.open_reader(), Frontier().open_reader()
    try:
        for n in (1, 2, 3):
            theirs, ours = (r.papers([r.lookup(f"arxiv:2511.0000{n}")])[0] for r in (reader, mine))
            assert replace(theirs, id=0) == replace(ours, id=0)
    finally:
        reader.close()
        mine.close()
