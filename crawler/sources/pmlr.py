"""PMLR: the papers of a volume (ICML, AISTATS, CoRL, COLT, UAI, ACML ...), with their abstracts.

A volume's BibTeX https://proceedings.mlr.press/vNNN/assets/bib/bibliography.bib has everything in one file. Where it
cannot be had, the volume's listing https://proceedings.mlr.press/vNNN/ (`div.paper`) and one page per paper are read.
The site is made from the repositories mlresearch/vNNN, one file of YAML and text per paper (`parse_post`). All go by
robots.txt; there is no API.

The cursor's keys: `year:VOLUME`, whose BibTeX was read; and, where it could not be, those of
`crawler.sources._proceedings` with the volume for a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from crawler.source import Cursor, Expect, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources import _bibtex as bibtex
from crawler.sources import _proceedings as proceedings
from crawler.sources._arxiv_text import split_authors
from crawler.sources._proceedings import Listing, has_class, joined, text_of, without_markup
from crawler.sources._table import Options, Secrets, Table
from data.errors import MalformedId, PageError
from data.ids import PaperId, parse_id
from data.records import BadRecord, PaperRecord

SOURCE = "pmlr"
SITE = "https://proceedings.mlr.press"

_VOLUME = re.compile(r"([vr])?(\d{1,4})")
_KEY = re.compile(r"(?:pmlr-)?[vr]\d{1,4}-(.+)")  # pmlr-v235-radford24a
_OWN_KEY = re.compile(r"[A-Za-z][A-Za-z-]*\d\d[a-z]{1,3}")  # radford24a, aa: with PMLR's letter, unlike editors' keys
_YEAR = re.compile(r"\b(?:19[89]\d|20\d\d)\b")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.S)

# Names as volumes write them (https://proceedings.mlr.press), those that contain another one first.
_VENUES = tuple(
    (re.compile(pattern, re.I), venue)
    for pattern, venue in (
        (r"Asian Conference on Machine Learning", "ACML"),
        (r"Automated Machine Learning", "AutoML"),
        (r"Machine Learning for Health\s?care", "MLHC"),
        (r"Machine Learning for Health", "ML4H"),
        (r"(?<!European )Conference on Machine Learning", "ICML"),
        (r"Artificial Intelligence and Statistics", "AISTATS"),
        (r"Uncertainty in Artificial Intelligence", "UAI"),
        (r"Conference on Robot Learning", "CoRL"),
        (r"Algorithmic Learning Theory", "ALT"),
        (r"(?:Computational )?Learning Theory", "COLT"),
        (r"Medical Imaging with Deep Learning", "MIDL"),
        (r"Health, Inference,? and Learning", "CHIL"),
        (r"Learning for Dynamics (?:and|&) Control", "L4DC"),
        (r"Lifelong Learning Agents", "CoLLAs"),
        (r"Causal Learning and Reasoning", "CLeaR"),
        (r"Parsimony and Learning", "CPAL"),
        (r"Learning on Graphs", "LoG"),
        (r"Probabilistic Graphical Models", "PGM"),
        (r"Northern Lights Deep Learning", "NLDL"),
        (r"Neuro-?symbolic Learning and Reasoning", "NeSy"),
        (r"Neuro-?symbolic Systems", "NeuS"),
        (r"Conformal and Probabilistic Prediction", "COPA"),
    )
)
_ACRONYM = re.compile(r"\b(NeurIPS|NIPS|ICML|ICLR|AISTATS|AAAI|IJCAI|CVPR|ICCV|ECCV|KDD|UAI|CoRL|ACML|COLT|MICCAI)\b")


def volume(text: str) -> str:
    """A volume as PMLR writes it (`v267`, reissues `r5`); ValueError for what is none by its form."""
    match = _VOLUME.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"not a PMLR volume: {text[:40]!r} (write it like v267)")
    return f"{match[1] or 'v'}{int(match[2])}"


def venue_of(name: str, short: str = "") -> tuple[str, str]:
    """A volume's venue and what its papers are there: ("ICML", ""), ("NeurIPS", "workshop").

    `name` is the volume's book title, `short` what its editors call it in short ("ICBINB 23").
    """
    workshop = "workshop" in name.lower()
    status = "workshop" if workshop else "competition" if "competition" in name.lower() else ""
    full = next((venue for pattern, venue in _VENUES if pattern.search(name)), "")
    acronym = _ACRONYM.search(name)
    host = "NeurIPS" if acronym and acronym[1] == "NIPS" else acronym[1] if acronym else ""
    shortest = re.sub(r"[\s']*(?:\d{4}|\d{2})$", "", short.strip())
    return (host or full if workshop else full or host) or shortest or "PMLR", status


class PmlrSource:
    """The papers of some volumes. ValueError for a name that is none."""

    name = SOURCE
    terms = "https://proceedings.mlr.press/robots.txt"

    def __init__(self, volumes: Sequence[str], *, site: str = SITE) -> None:
        self.volumes = tuple(dict.fromkeys(volume(v) for v in volumes))
        self._site = site.rstrip("/")

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Each volume's BibTeX; a window goes by the years of volumes that were read before."""
        for name in self.volumes:
            year = cursor.get(f"year:{name}")
            if type(year) is int and (  # True: read, but it names no year
                (window.since and year < window.since.year) or (window.until and year > window.until.year)
            ):
                continue
            context = {
                "step": "bib",
                "volume": name,
                "read": year is not None,
                "have": proceedings.known(cursor, name),
                "pages": proceedings.left_over(cursor, name),
                "keys": [k for k in cursor if k == f"have:{name}" or k.startswith(f"page:{name}/")],
            }
            url = f"{self._site}/{name}/assets/bib/bibliography.bib"
            yield Fetch(url=url, kind="page", context=context, conditional=True, priority=10)

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """The papers of a volume, from its BibTeX, or from its listing and then from each paper's page."""
        if page.not_modified:
            return
        context = page.fetch.context
        if context["step"] == "paper":
            yield parse_paper(page.body, page.url, context["record"])
            yield MoveCursor(values={context["key"]: None})
        elif context["step"] == "listing":
            yield from self._listing(page)
        else:
            name = context["volume"]
            papers, bad = parse_bib(page.body, name, url=f"{self._site}/{name}/")
            yield Expect(what=name, count=len(papers) + len(bad))
            yield from papers
            yield from bad
            year = next((p.year for p in papers if p.year), 0)
            yield MoveCursor(values={**dict.fromkeys(context["keys"], None), f"year:{name}": year or True})

    def _listing(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        name = context["volume"]
        listing = parse_listing(page.body, page.url, name)
        if listing.papers:
            yield from proceedings.listed(self._site, name, listing, context["have"])
        else:
            yield from listing.bad
            yield Notice(text=f"the listing of PMLR {name} names no papers yet")

    def failed(self, failure: Failure) -> Iterator[Output]:
        """Without its BibTeX, a volume is read from its listing and pages, unless its BibTeX was read before."""
        context = failure.fetch.context
        if context["step"] == "paper":
            yield from proceedings.no_paper_page(failure, f"PMLR {context['name']}")
        elif context["step"] == "bib" and not context["read"]:
            name = context["volume"]
            yield Notice(text=f"the BibTeX of PMLR {name} could not be read ({failure.problem}): its pages are")
            more = {"step": "listing", "volume": name, "have": context["have"]}
            yield Fetch(url=f"{self._site}/{name}/", kind="page", context=more, conditional=True, priority=10)
            for key, tries in context["pages"].items():
                yield proceedings.paper_page(self._site, key, tries)
        elif failure.status == 404:
            yield Notice(text=f"{failure.fetch.url} is not there (404): not published yet, or moved")
        else:
            yield Notice(text=f"PMLR {context['volume']} could not be fetched ({failure.problem})", lost=True)


# ---- the BibTeX of a volume -------------------------------------------------------------------------------------


def parse_bib(body: bytes, name: str, *, url: str = "") -> tuple[list[PaperRecord], list[BadRecord]]:
    """The papers of a volume; PageError for what holds no entries."""
    text = body.decode("utf-8", errors="replace")
    entries = list(bibtex.entries(text))
    if not entries:
        raise PageError("PMLR: no BibTeX")
    volumes = next((e for e in entries if e.kind == "proceedings"), None)
    papers: list[PaperRecord] = []
    bad: list[BadRecord] = []
    for entry in entries:
        if entry.kind == "proceedings":
            continue
        try:
            papers.append(_of_entry(entry, volumes, name, url or f"{SITE}/{name}/"))
        except ValueError as exc:
            bad.append(BadRecord(source=SOURCE, where=f"{name} {entry.key[:80]}", problem=str(exc)))
    if not papers:
        raise PageError(f"PMLR: the BibTeX of {name} has no papers that can be read")
    return papers, bad


def _of_entry(entry: bibtex.Entry, volumes: bibtex.Entry | None, name: str, url: str) -> PaperRecord:
    values = entry.values
    title = entry.plain("booktitle") or (volumes.plain("booktitle") if volumes else "")
    own = _own_id(name, values.get("url", ""), values.get("pdf", ""), entry.key)
    spelled = _KEY.fullmatch(entry.key)
    years = [
        _YEAR.search(v) for v in (values.get("year", ""), volumes.values.get("year", "") if volumes else "", title)
    ]
    year = next((int(match[0]) for match in years if match), None)
    address = values.get("url", "").replace("http://", "https://", 1)
    return _record(
        name,
        own.value if own else f"{name}/{spelled[1] if spelled else entry.key}",
        own=own,
        title=entry.plain("title"),
        abstract=entry.plain("abstract"),
        authors=entry.names("author"),
        year=year,
        venue=venue_of(title, volumes.plain("shortname") if volumes else ""),
        url=address if address.startswith("https://") else "",
        elsewhere=[values.get("openreview", ""), values.get("arxiv", ""), values.get("doi", "")],
        code=values.get("software", ""),
        home=url,
    )


def _own_id(name: str, *spellings: str) -> PaperId | None:
    """The id out of addresses, or out of a key that PMLR itself made (editors' keys have no letter at the end)."""
    for spelling in spellings:
        key = _KEY.fullmatch(spelling)
        if key or _OWN_KEY.fullmatch(spelling):
            spelling = f"pmlr:{name}/{key[1] if key else spelling}"
        try:
            found = parse_id(spelling)
        except MalformedId:
            continue
        if found.scheme == "pmlr" and found.value.startswith(f"{name}/"):
            return found
    return None


def _elsewhere(spellings: Iterable[str]) -> Iterator[PaperId]:
    """Ids of the same paper at OpenReview (a bare id, or an address), arXiv and DOI."""
    for text in spellings:
        spelling = f"openreview:{text}" if re.fullmatch(r"[\w-]{10}", text, re.A) else text
        try:
            found = parse_id(spelling)
        except MalformedId:
            continue
        if found.scheme in ("openreview", "arxiv", "doi"):
            yield found


def _record(
    name: str,
    source_id: str,
    *,
    own: PaperId | None,
    title: str,
    authors: Sequence[str],
    venue: tuple[str, str],
    year: int | None = None,
    abstract: str = "",
    url: str = "",
    elsewhere: Iterable[str] = (),
    code: str = "",
    home: str = "",
) -> PaperRecord:
    """One paper; ValueError without a title."""
    if source_id.endswith("/"):
        raise ValueError("an entry without a key")
    return PaperRecord(
        source=SOURCE,
        source_id=source_id,
        title=title,
        ids=tuple(dict.fromkeys([*([own] if own else []), *_elsewhere(elsewhere)])),
        abstract=abstract,
        authors=tuple(authors),
        year=year,
        venue=venue[0],
        venue_status=venue[1],
        url=url or (f"{SITE}/{own.value}.html" if own else home or f"{SITE}/{name}/"),
        code_urls=(code,) if code.startswith(("https://", "http://")) else (),
    )


# ---- the pages of a volume --------------------------------------------------------------------------------------


def parse_listing(body: bytes, url: str, name: str) -> Listing:
    """The listing of a volume; PageError where it is cut short or not a page of PMLR."""
    root = proceedings.read_page(body, "PMLR")
    headings = [text_of(h) for h in root.iter("h1", "h2")] + [" ".join((root.findtext(".//title") or "").split())]
    book = next((h for h in headings if re.search(r"\bvolume\s+\w*\d", h, re.I)), "")
    blocks = [div for div in root.iter("div") if has_class(div, "paper")]
    if not blocks and not book and not any("Machine Learning Research" in h for h in headings):
        raise PageError("PMLR: not the listing of a volume")
    title = book.partition(":")[2].strip() or book
    year = _YEAR.findall(title)
    papers: dict[str, PaperRecord] = {}
    bad: list[BadRecord] = []
    for block in blocks:
        links = {text_of(a).lower(): joined(url, a.get("href")) for a in block.iter("a")}
        headline = text_of(next((p for p in block.iter("p") if has_class(p, "title")), None))
        authors = text_of(next((s for s in block.iter("span") if has_class(s, "authors")), None))
        address = links.get("abs", "")
        own = _own_id(name, address)
        try:
            if own is None:
                raise ValueError("a paper without a page")
            papers[urlsplit(address).path.lstrip("/")] = _record(
                name,
                own.value,
                own=own,
                title=headline,
                authors=split_authors(authors),
                venue=venue_of(title),
                year=int(year[-1]) if year else None,
                url=address,
                elsewhere=[links.get("openreview", "")],
                code=links.get("code", "") or links.get("software", ""),
            )
        except ValueError as exc:
            bad.append(BadRecord(source=SOURCE, where=headline[:120] or url, problem=str(exc)))
    return Listing(papers=papers, bad=tuple(bad))


def parse_paper(body: bytes, url: str, listed: PaperRecord | None) -> PaperRecord:
    """The paper with its abstract. PageError for a page that is no paper's."""
    root = proceedings.read_page(body, "PMLR")
    metas = proceedings.metas(root)
    title = (metas.get("citation_title") or [""])[0]
    node = next((d for d in root.iter("div", "p") if d.get("id") == "abstract" or has_class(d, "abstract")), None)
    if not title or node is None:
        raise PageError("PMLR: not the page of a paper")
    if listed is not None:
        return replace(listed, abstract=text_of(node))
    name = urlsplit(url).path.lstrip("/").partition("/")[0]
    book = (metas.get("citation_conference_title") or metas.get("citation_inproceedings_title") or [""])[0]
    year = _YEAR.search((metas.get("citation_publication_date") or [""])[0])
    own = _own_id(name, url)
    try:
        return _record(
            name,
            own.value if own else urlsplit(url).path.lstrip("/"),
            own=own,
            title=title,
            abstract=text_of(node),
            authors=[proceedings.turned(a) for a in metas.get("citation_author", ())],
            venue=venue_of(book),
            year=int(year[0]) if year else None,
            url=url,
            elsewhere=[a.get("href", "") for a in root.iter("a") if text_of(a).lower() == "openreview"],
        )
    except ValueError as exc:
        raise PageError(f"PMLR: {exc}") from exc


# ---- a paper's file in a volume's repository --------------------------------------------------------------------


def parse_post(body: bytes) -> PaperRecord:
    """A paper out of the front matter of a `_posts/*.md` file; PageError for a file without one."""
    import yaml  # type: ignore[import-untyped]  # PyYAML, which huggingface-hub requires; only here

    front = _FRONT.match(body.decode("utf-8", errors="replace").replace("\r\n", "\n"))
    try:
        values = yaml.safe_load(front[1]) if front else None
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise PageError(f"PMLR: no YAML: {exc}") from exc
    if not isinstance(values, Mapping):
        raise PageError("PMLR: a file without front matter")

    def text(key: str) -> str:
        value = values.get(key)
        return str(value) if isinstance(value, str | int) else ""

    try:
        name = volume(text("volume"))
        issued = values.get("issued")
        parts = issued.get("date-parts") if isinstance(issued, Mapping) else None
        own = _own_id(name, text("pdf"), text("id"))
        people = values.get("author")
        return _record(
            name,
            own.value if own else f"{name}/{text('id')}",
            own=own,
            title=without_markup(text("title")),
            abstract=without_markup(text("abstract")),
            authors=[
                " ".join(str(p[part]) for part in ("given", "prefix", "family", "suffix") if p.get(part))
                for p in (people if isinstance(people, list) else ())
                if isinstance(p, Mapping)
            ],
            venue=venue_of(text("container-title")),
            year=parts[0] if isinstance(parts, list) and parts and type(parts[0]) is int else None,
            elsewhere=[text("openreview"), text("arxiv"), text("doi")],
            code=text("software"),
        )
    except ValueError as exc:
        raise PageError(f"PMLR: {exc}") from exc


def from_config(options: Options, secrets: Secrets) -> PmlrSource:
    """The source out of [sources.pmlr]. Raises ConfigError."""
    table = Table("sources.pmlr", options, ("volumes", "site_url"))
    return PmlrSource(table.texts("volumes", volume), **table.keywords({"site": "site_url"}))
