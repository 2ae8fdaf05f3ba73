r"""Papers in other people's forms: BibTeX, RIS, CSL-JSON, Markdown, and JSON lines, which `frontier import` takes in.

BibTeX: https://www.ctan.org/pkg/bibtex, arXiv's fields https://info.arxiv.org/help/hypertex/bibstyles.html. RIS:
https://en.wikipedia.org/wiki/RIS_(file_format). CSL-JSON: https://docs.citationstyles.org/en/stable/specification.html.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from data.journals import JOURNALS
from data.latex import pieces
from data.library import Entry, entries
from data.papers import Paper

if TYPE_CHECKING:
    from data.reader import Reader

Form = Literal["bibtex", "ris", "csl-json", "jsonl", "markdown"]

BATCH = 500
"""Papers that are read from the store together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """What people call a form, how the names of such files end, and their media type."""

    label: str
    ending: str
    mime: str


FORMS: Mapping[Form, FileKind] = {
    "bibtex": FileKind(label="BibTeX", ending=".bib", mime="application/x-bibtex"),
    "ris": FileKind(label="RIS", ending=".ris", mime="application/x-research-info-systems"),
    "csl-json": FileKind(label="CSL-JSON", ending=".json", mime="application/vnd.citationstyles.csl+json"),
    "jsonl": FileKind(label="JSON lines", ending=".jsonl", mime="application/x-ndjson"),
    "markdown": FileKind(label="Markdown", ending=".md", mime="text/markdown"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A paper to write out: `ids` are all its printed ids, `done` what the user did with it, oldest first."""

    paper: Paper
    ids: Sequence[str] = ()
    done: Sequence[Entry] = ()

    def id_of(self, scheme: str) -> str:
        """The first id of a scheme, without it; "" for none."""
        return next((i.removeprefix(f"{scheme}:") for i in self.ids if i.startswith(f"{scheme}:")), "")

    @property
    def venue(self) -> str:
        """Where it appeared; "" for a preprint."""
        return "" if self.paper.venue == "arXiv" else self.paper.venue

    @property
    def tags(self) -> list[str]:
        """The user's tags."""
        return [e.value for e in self.done if e.kind == "tag"]

    @property
    def notes(self) -> list[str]:
        """The user's notes."""
        return [e.value for e in self.done if e.kind == "note"]

    @property
    def url(self) -> str:
        """Its page on the web; "" where it has none."""
        return self.paper.url if self.paper.url.startswith(("http://", "https://")) else ""


def export(items: Iterable[Item], form: Form) -> Iterator[str]:
    """A file of papers in one form, in pieces; BibTeX keys and CSL ids are told apart. As many papers as one likes."""
    return _WRITTEN[form](items)


def items(reader: Reader, paper_ids: Sequence[int] | None = None) -> Iterator[Item]:
    """Papers of the store with their ids and what the user did with them, in the order named, all of them without names."""
    done = entries(reader)
    papers = reader.every_paper() if paper_ids is None else iter(reader.papers(paper_ids))
    while batch := list(islice(papers, BATCH)):
        ids = reader.ids_of([paper.id for paper in batch])
        for paper in batch:
            yield Item(paper=paper, ids=ids.get(paper.id, ()), done=done.get(paper.id, ()))


# ---- people ----------------------------------------------------------------------------------------------------------

_COLLECTIVE = re.compile(
    r"team|collaboration|consortium|group|project|inc|ltd|llc|gmbh|lab|labs|laboratory|research|university|institute"
    r"|foundation|company|corporation|community|initiative|committee|network|openai|google|deepmind|meta|microsoft"
    r"|nvidia|the|and|et|al|others",
    re.I,
)
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_LATIN_NAME = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff.'\u2019 -]+")


def parted(name: str) -> tuple[str, str] | None:
    """Family name and given names, where it is sure which is which: of two words, of a last word behind initials, of a last
    word behind a particle in small letters. None for a single name, a group, another script, several full names."""
    words = name.split()
    if len(words) < 2 or not _LATIN_NAME.fullmatch(name):
        return None
    if any(_COLLECTIVE.fullmatch(w.strip(".")) for w in words) or words[-1].strip(".").lower() in _SUFFIXES:
        return None
    if _initial(words[-1]) or not words[0][:1].isupper() or not words[-1][:1].isupper():
        return None
    small = [n for n, word in enumerate(words) if word[:1].islower()]
    first = small[0] if small else len(words) - 1
    if small and small != list(range(first, len(words) - 1)):
        return None
    if not all(_initial(word) for word in words[1:first]):
        return None
    return " ".join(words[first:]), " ".join(words[:first])


def _initial(word: str) -> bool:
    return all(len(part) <= 1 for part in re.split(r"[.-]", word))


# ---- BibTeX ----------------------------------------------------------------------------------------------------------

_SPECIAL = {
    "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$", "{": r"\textbraceleft{}", "}": r"\textbraceright{}",
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
"""What LaTeX does not print as it is. A brace is no \\{, because BibTeX counts that as one that opens."""

_KEPT = re.compile(
    r"""\\[%&\#_$]                                    # escaped already
        |\\["'`^~=.](?:\{[A-Za-z]\}|[A-Za-z])         # an accent
        |\\(?P<font>emph|textit|textbf|texttt|textsc)\{(?P<inner>[^{}\\$]*)\}
        |(?P<word>[^\W_]+)
        |.""",
    re.X | re.S,
)
_REACHES_OUT = re.compile(
    r"\\(?:input|include\w*|write\d*|immediate|open(?:in|out)|read|catcode|def|[egx]def|let|futurelet|csname|endcsname"
    r"|special|usepackage|(?:re)?newcommand|expandafter|loop|repeat|newread|newwrite|jobname|meaning|string|url|href"
    r"|directlua|ShellEscape|verbatiminput|lstinputlisting|begin|end)(?![a-zA-Z])|(?<!\\)[%#&\n]"
)
"""What a formula of a title never needs: it reads files, defines macros, or is taken for something else than a formula."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def bibtex(paper: Paper, ids: Sequence[str], done: Sequence[Entry] = ()) -> str:
    """One paper as a BibTeX entry: @article in a journal, @inproceedings at another venue, else @misc with its arXiv eprint."""
    item = Item(paper=paper, ids=ids, done=done)
    arxiv, venue = item.id_of("arxiv"), item.venue
    kind = "misc" if not venue else "article" if venue in JOURNALS else "inproceedings"
    fields = {
        "title": _title(paper.title),
        "author": " and ".join(map(_author, filter(str.strip, paper.authors))),
        "year": str(paper.year or ""),
        {"article": "journal", "inproceedings": "booktitle"}.get(kind, "howpublished"): _tex(venue),
        "eprint": _bare(arxiv),
        "archiveprefix": "arXiv" if arxiv else "",
        "primaryclass": _tex(paper.categories[0]) if arxiv and paper.categories else "",
        "doi": _bare(item.id_of("doi")),
        "url": _bare(item.url),
        "note": "" if venue else _tex(paper.journal_ref),
        "keywords": ", ".join(map(_tex, item.tags)),
    }
    body = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    if paper.published and paper.published.year == paper.year:
        body.append(f"  month = {_MONTHS[paper.published.month - 1]}")
    return f"@{kind}{{{_bibtex_key(paper)},\n" + ",\n".join(body) + "\n}"


def told_apart(entries: Iterable[str]) -> Iterator[str]:
    """BibTeX entries with different keys, as BibTeX refuses equal ones: a key that is used again gets a number."""
    seen: set[str] = set()
    for entry in entries:
        kind, _, named = entry.partition("{")
        key, _, rest = named.partition(",")
        yield f"{kind}{{{_unused(key, seen)},{rest}"


def _unused(name: str, seen: set[str]) -> str:
    key, number = name, 2
    while key in seen:
        key, number = f"{name}-{number}", number + 1
    seen.add(key)
    return key


def _bibtex_key(paper: Paper) -> str:
    surname = paper.authors[0].rsplit(" ", 1)[-1] if paper.authors else "anonymous"
    words = [w for w in re.findall(r"\w+", paper.title) if len(w) > 3]
    raw = f"{surname}{paper.year or ''}{words[0] if words else paper.id}"
    plain = unicodedata.normalize("NFKD", raw).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", plain) or f"paper{paper.id}"


def _author(name: str) -> str:
    """`Last, First` where that is sure; a name that BibTeX would take apart wrongly is one in braces."""
    if found := parted(name):
        return ", ".join(map(_tex, found))
    odd = "," in name or {"and", "others"} & {w.lower() for w in name.split()}
    return f"{{{_tex(name)}}}" if odd else _tex(name)


def _title(title: str) -> str:
    """A title whose formulas stay as they are and whose capitals inside words stay capitals, whatever the style."""
    out = []
    for text, formula in pieces(_flat(title)):
        if formula and _harmless(text):
            out.append(f"{{{text}}}")
        else:
            out.append(_escaped(text, protect=True))
    return "".join(out)


def _harmless(formula: str) -> bool:
    depth = 0
    for brace in re.findall(r"[{}]", formula):  # BibTeX counts \{ too
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return not depth and not _REACHES_OUT.search(formula)


def _tex(text: str) -> str:
    return _escaped(_flat(text), protect=False)


def _escaped(text: str, *, protect: bool) -> str:
    def kept(match: re.Match[str]) -> str:
        if match["font"]:
            return f"\\{match['font']}{{{_escaped(match['inner'], protect=protect)}}}"
        if (word := match["word"]) is not None:
            return f"{{{word}}}" if protect and any(map(str.isupper, word[1:])) else word
        return match[0] if len(match[0]) > 1 else _SPECIAL.get(match[0], match[0])

    return _KEPT.sub(kept, text)


def _bare(text: str) -> str:
    """An id or an address, which BibTeX styles print as it is: only what would end the value is written in per cent."""
    return re.sub(r"[\s{}\\]", lambda m: quote(m[0]), text)


def _flat(text: str) -> str:
    return " ".join(text.split())


# ---- RIS and CSL-JSON --------------------------------------------------------------------------------------------------


def ris(item: Item) -> str:
    """One paper as a RIS record: CPAPER at a conference, JOUR in a journal, else UNPB."""
    paper, arxiv = item.paper, item.id_of("arxiv")
    lines: list[tuple[str, str]] = [
        ("TY", "UNPB" if not item.venue else "JOUR" if item.venue in JOURNALS else "CPAPER"),
        ("ID", paper.key),
        ("TI", paper.title),
        *(("AU", ", ".join(parted(name) or (name,))) for name in paper.authors),
        ("PY", str(paper.year or "")),
        ("DA", f"{paper.published:%Y/%m/%d}" if paper.published else ""),
        ("T2", item.venue),
        ("AB", paper.abstract),
        ("DO", item.id_of("doi")),
        ("DB", "arXiv" if arxiv else ""),
        ("AN", f"arXiv:{arxiv}" if arxiv else ""),
        ("UR", item.url),
        *(("KW", word) for word in [*paper.keywords, *item.tags]),
        *(("N1", note) for note in item.notes),
    ]
    told = [f"{tag}  - {value}" for tag, text in lines if (value := _flat(text))]
    return "\r\n".join([*told, "ER  - ", "", ""])


def csl(item: Item, key: str) -> dict[str, Any]:
    """One paper as an item of CSL-JSON under an id of its own."""
    paper, arxiv = item.paper, item.id_of("arxiv")
    day = paper.published if paper.published and paper.published.year == paper.year else None
    parts = [day.year, day.month, day.day] if day else [paper.year] if paper.year else []
    found = {
        "id": key,
        "type": "article" if not item.venue else "article-journal" if item.venue in JOURNALS else "paper-conference",
        "title": _flat(paper.title),
        "author": [_csl_name(name) for name in paper.authors],
        "issued": {"date-parts": [parts]} if parts else {},
        "container-title": item.venue,
        "abstract": paper.abstract,
        "DOI": item.id_of("doi"),
        "URL": item.url,
        "archive": "arXiv" if arxiv else "",
        "archive_location": f"arXiv:{arxiv}" if arxiv else "",
        "keyword": ", ".join([*paper.keywords, *item.tags]),
        "note": "\n".join(item.notes),
    }
    return {name: value for name, value in found.items() if value}


def _csl_name(name: str) -> dict[str, str]:
    found = parted(name)
    return {"family": found[0], "given": found[1]} if found else {"literal": name}


# ---- JSON lines and Markdown -------------------------------------------------------------------------------------------


def paper_line(paper: Paper, ids: Sequence[str]) -> str:
    """One paper as a JSON line with the field names that `frontier import` reads; importing it again changes nothing."""
    by_scheme = dict(i.split(":", 1) for i in ids if ":" in i)
    line = {
        "id": paper.key,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": list(paper.authors),
        "year": paper.year,
        "published": paper.published.isoformat() if paper.published else None,
        "venue": paper.venue,
        "venue_status": paper.venue_status,
        "arxiv_id": by_scheme.get("arxiv"),
        "doi": by_scheme.get("doi"),
        "url": paper.url,
        "keywords": list(paper.keywords),
        "categories": list(paper.categories),
        "comment": paper.comment,
        "day": paper.day.isoformat() if paper.day else None,
        "ids": list(ids),
    }
    return json.dumps({k: v for k, v in line.items() if v not in (None, "", [])}, ensure_ascii=False)


_MARKS = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>#|"})


def markdown(item: Item) -> str:
    """A paper as a line of a list, with its tags and notes below it; the marks that Markdown reads are escaped."""
    paper = item.paper
    title = paper.title.translate(_MARKS)
    linked = f"[{title}](<{item.url}>)" if item.url and ">" not in item.url else title
    about = [
        ", ".join(name.translate(_MARKS) for name in paper.authors[:10])
        + (" et al." if len(paper.authors) > 10 else ""),
        paper.appeared.translate(_MARKS) if paper.appeared else "",
        str(paper.year or "") if not paper.appeared else "",
        paper.key,
    ]
    lines = [f"- **{linked}** · {' · '.join(filter(None, about))}"]
    if item.tags:
        lines.append(f"  Tags: {', '.join(item.tags).translate(_MARKS)}")
    for note in item.notes:
        lines += ["", *(f"  > {line}".rstrip() for line in note.translate(_MARKS).splitlines()), ""]
    return "\n".join(lines) + "\n"


# ---- whole files -------------------------------------------------------------------------------------------------------


def _bibtex_file(items: Iterable[Item]) -> Iterator[str]:
    for entry in told_apart(bibtex(i.paper, i.ids, i.done) for i in items):
        yield entry + "\n\n"


def _csl_file(items: Iterable[Item]) -> Iterator[str]:
    seen: set[str] = set()
    comma = ""
    yield "["
    for item in items:
        yield f"{comma}\n{json.dumps(csl(item, _unused(item.paper.key, seen)), ensure_ascii=False)}"
        comma = ","
    yield "\n]\n"


_WRITTEN: Mapping[Form, Callable[[Iterable[Item]], Iterator[str]]] = {
    "bibtex": _bibtex_file,
    "ris": lambda items: map(ris, items),
    "csl-json": _csl_file,
    "jsonl": lambda items: (paper_line(i.paper, i.ids) + "\n" for i in items),
    "markdown": lambda items: map(markdown, items),
}
