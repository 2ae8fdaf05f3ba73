from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.bibtex import is_bibtex, read_bibtex
from crawler.files import read_records
from data.errors import InputError
from data.records import BadRecord, PaperRecord

NOW = datetime(2025, 11, 24, tzinfo=UTC)
LIBRARY = r"""% made up, as managers write it
@article{meadow2021,
  title = {Gradients in the {Meadow}: a
           Walk},
  author = {M{\"u}ller, J{\'e}r{\^o}me and Example, Ada},
  date = {2021-03-01},
  doi = {https://doi.org/10.1000/meadow.1},
  abstract = {We walk.},
}

@inproceedings{b, title={A Second Walk}, author={Ada Example and others}, booktitle={Proc. of Walks}, year=2016}
@misc{c, title={Third}, eprint={2107.05580}, archivePrefix={arXiv}, primaryClass={cs.CV}}
@article{d, title={Fourth}, journal={arXiv preprint arXiv:1706.00001}, year={2017}}
@misc{e, author={Nobody}, year={1999}}
@comment{jabref-meta: nothing}
@misc{f, title={Fifth}, eprint={hep-th/9901001}, eprinttype={hdl}}
"""


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_entries_become_papers_and_the_nameless_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "library.bib", LIBRARY)
    found = list(read_bibtex(path, now=NOW))
    assert found == list(read_records(path, now=NOW))
    good = [r for r in found if isinstance(r, PaperRecord)]
    first, second, third, fourth, fifth = good
    assert first.title == "Gradients in the Meadow: a Walk"
    assert first.authors == ("Jérôme Müller", "Ada Example")
    assert (first.year, first.abstract, list(map(str, first.ids))) == (2021, "We walk.", ["doi:10.1000/meadow.1"])
    assert (second.venue, second.year, second.authors) == ("Proc. of Walks", 2016, ("Ada Example",))
    assert list(map(str, third.ids)) == ["arxiv:2107.05580"]
    assert (list(map(str, fourth.ids)), fourth.venue) == (["arxiv:1706.00001"], "")
    assert fifth.ids == ()  # another archive's number
    [bad] = [r for r in found if isinstance(r, BadRecord)]
    assert bad.where.endswith("library.bib: @misc{e")
    assert bad.problem == "no title"


def test_the_same_entry_is_the_same_record_the_next_time(tmp_path: Path) -> None:
    path = write(tmp_path / "library.bib", LIBRARY)
    ids = [[r.source_id for r in read_bibtex(path, now=NOW) if isinstance(r, PaperRecord)] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 5


def test_an_old_manager_writes_latin_1(tmp_path: Path) -> None:
    path = write(tmp_path / "old.bib", "@article{a, title={Größe}}".encode("latin-1"))
    [record] = read_bibtex(path, now=NOW)
    assert isinstance(record, PaperRecord)
    assert record.title == "Größe"


@pytest.mark.parametrize("text", ["", "no entries here", "@comment{only}"])
def test_a_file_without_entries_is_one_clear_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="no BibTeX entries"):
        list(read_bibtex(write(tmp_path / "empty.bib", text), now=NOW))
    with pytest.raises(InputError, match="cannot be read"):
        list(read_bibtex(tmp_path / "missing.bib", now=NOW))


def test_which_files_are_bibtex() -> None:
    assert is_bibtex(Path("a.bib"))
    assert is_bibtex(Path("A.BIB"))
    assert not is_bibtex(Path("a.jsonl"))
