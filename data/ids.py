"""Paper ids: one canonical form, minted here and nowhere else.

An id is a scheme and a value, written `scheme:value`. Versions, views (page, PDF, HTML), mirrors, trackers and redirect
wrappers do not count: every spelling of a paper at one place gives one id, and `url_of` leads back to its page.

    arxiv:2107.05580   arxiv:math/0309136              openreview:B14TlG-RW       doi:10.1038/nature24270
    cvf:CVPR2019/Li_..._CVPR_2019_paper                 cvf:CVPR2021W/ISIC/Groh_..._CVPRW_2021_paper
    ecva:ECCV2022/315_ECCV_2022_paper                   pmlr:v139/radford21a       acl:2021.naacl-main.208, acl:N04-1001
    neurips:2017/3f5ee243547dee91fbd053c1c4a845aa       neurips:2023/<32 hex>-Datasets_and_Benchmarks

Where a place has two addresses for one paper that cannot be told from each other's spelling (a CVF supplement, an ECVA
PDF of 2020 or 2022 named by its page in the printed volume), the odd one is no id rather than a second one.

Every pattern is ASCII only and bounded, and every text is read once from left to right, so that the time is linear in
the length of the text whatever it holds.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from data.errors import MalformedId

SCHEMES = ("arxiv", "openreview", "doi", "cvf", "ecva", "neurips", "pmlr", "acl")

LONGEST_ID_TEXT = 8192  # a longer text is no id; redirect wrappers of mail programs reach about 2,000
LONGEST_DOI = 300


@dataclass(frozen=True, slots=True, order=True)
class PaperId:
    """The canonical name of a paper at one place. Raises MalformedId unless `value` is canonical for `scheme`."""

    scheme: str
    value: str

    def __post_init__(self) -> None:
        canonical = _CANONICAL.get(self.scheme)
        if canonical is None or canonical(self.value) != self.value:
            raise MalformedId(f"{self.scheme}:{self.value}")

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


_Hit = tuple[PaperId, int | None]  # an id, and the version its spelling named (arXiv only)


def parse_id(text: str) -> PaperId:
    """The id that the whole text spells: `scheme:value`, a bare arXiv id or DOI, or a URL. Raises MalformedId."""
    hit = _whole(text)
    if hit is None:
        raise MalformedId(text)
    return hit[0]


def arxiv_id(text: str) -> str | None:
    """The arXiv id without version that the text spells, else the first one it mentions, else None."""
    hit = _arxiv_hit(text)
    return hit[0].value if hit else None


def arxiv_version(text: str) -> int | None:
    """The version that the spelling found by `arxiv_id` names, None if it names none."""
    hit = _arxiv_hit(text)
    return hit[1] if hit else None


def arxiv_year(value: str) -> int:
    """The year that an arXiv id names: 2107.05580 is of 2021, math/0309136 of 2003."""
    short = int(value.rpartition("/")[2][:2])
    return (1900 if "/" in value and short > 90 else 2000) + short


def find_ids(text: str) -> tuple[PaperId, ...]:
    """Every id and every URL of a paper in free text, HTML or JSON, in order, without doubles. Never raises."""
    return tuple(dict.fromkeys(paper_id for paper_id, _ in _scan(text)))


def url_of(paper_id: PaperId) -> str:
    """The URL of the paper's page; `parse_id` of it is the id again."""
    return _URL[paper_id.scheme](paper_id.value)


def unwrap(url: str) -> str:
    """The URL behind redirect wrappers (Scholar alerts, Zhihu, Google, mail scanners, web archives), else `url`."""
    for _ in range(5):
        inner = _unwrap_once(url)
        if inner is None:
            break
        url = inner
    return url


# --- texts ------------------------------------------------------------------------------------------------------------

_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});", re.A)
_ESCAPED = re.compile(r"\\(?:u00(26|2[fF])|([/_&#%?=.~-]))", re.A)  # JSON "https:\/\/", "\u0026"; Markdown "_" escaped
_OPENING = "([{<"
_CLOSING = ")]}>"
_PUNCTUATION = frozenset(".,;:!?'\"*`|^\u2026\u3002\uff0c\u3001\uff1b\uff1a\uff01\uff1f\u201c\u201d\u2018\u2019")
_CLOSING_WIDE = frozenset("\uff09\u3011\u300b\u300d\u300f\u3015\u00bb")
_LEADING = frozenset("([{<'\"*`\u201c\u2018\uff08\u3010\u300a\u300c\u300e\u3014\u00ab")


def _entities(text: str) -> str:
    """HTML entities decoded, twice escaped ones too; only complete ones (html.unescape reads "&noteId" as "¬eId")."""
    for _ in range(2):
        if "&" not in text:
            break
        text = _ENTITY.sub(lambda m: html.unescape(m[0]), text)
    return text


def _trim(text: str, also: str = "") -> str:
    """Without trailing punctuation and without closing brackets that nothing opens."""
    depth = {close: text.count(close) - text.count(op) for op, close in zip(_OPENING, _CLOSING, strict=True)}
    end = len(text)
    while end:
        last = text[end - 1]
        if last in _CLOSING and depth[last] > 0:
            depth[last] -= 1
        elif last in _OPENING:
            depth[_CLOSING[_OPENING.index(last)]] += 1
        elif not (last in _PUNCTUATION or last in _CLOSING_WIDE or last in also or last.isspace()):
            break
        end -= 1
    return text[:end]


def _tidy(text: str) -> str:
    """The text without the quotes, brackets and punctuation that sentences put around an id."""
    start = 0
    while start < len(text) and (text[start] in _LEADING or text[start].isspace()):
        start += 1
    return _trim(text[start:])


# --- arXiv ------------------------------------------------------------------------------------------------------------
# https://info.arxiv.org/help/arxiv_identifier.html

# those that had ids of the old style, 1991-07 to 2007-03
_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga"
    "|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math-ph|math|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|plasm-ph"
    "|q-alg|q-bio|quant-ph|solv-int|supr-con"
)
_ARCHIVE_NAMES = frozenset(_ARCHIVES.split("|"))
_CLASS = r"(?:\.[a-z-]{2,9})?"  # math.GT/0309136, cs.LG/0309136: not part of the id
_NEW = r"(?P<new>\d{4}\.\d{4,5})(?!\d)"  # 0704.0001, 2107.05580
_OLD = rf"(?P<archive>[a-z]{{1,7}}(?:-[a-z]{{2,4}})?){_CLASS}/(?P<old>\d{{7}})(?!\d)"  # hep-th/9901001
_VERSION = r"(?:v(?P<version>\d{1,3})(?!\d))?"
_ANY = rf"(?:{_NEW}|{_OLD}){_VERSION}"
_PREFIX = r"arxiv(?:\.org)?(?:\s+(?:preprint|e-?print))?[\s:\uff1a./_-]{0,4}"  # arXiv:ID, "arXiv ID", arXiv preprint ID

# bare ids, oai:arXiv.org:ID, info:arxiv/ID, 2107.05580v2.pdf, arXiv:2107.05580v2 [cs.LG] 12 Jul 2021
_ARXIV_WHOLE = re.compile(
    rf"(?:oai:|info:)?(?:{_PREFIX})?{_ANY}(?:\.pdf)?(?:\s*\[[\w.-]{{2,20}}(?:\].{{0,100}})?)?", re.A | re.I
)
# "[2107.05580] A title", as browsers name an abstract page
_ARXIV_TITLE = re.compile(rf"\[(?:{_PREFIX})?{_ANY}\]", re.A | re.I)
# /abs/2107.05580v2, /abs/arXiv:2107.05580, /pdf/2107.05580.pdf, /html/2107.05580v1/x1.png, /src/2107.05580/anc/x
# /format/math.GT/0309136, /ftp/arxiv/papers/2107/2107.05580.pdf, /ftp/math/papers/0309/0309136.pdf
# /PS_cache/arxiv/pdf/0704/0704.0001v1.pdf, /PS_cache/hep-th/pdf/9901/9901001v1.pdf
_ARXIV_PATH = re.compile(
    rf"[/:](?:{_NEW}|(?P<archive>[a-z]{{1,7}}(?:-[a-z]{{2,4}})?){_CLASS}/"
    rf"(?:(?:papers|pdf|ps)/\d{{4}}/)?(?P<old>\d{{7}})(?!\d)){_VERSION}",
    re.A | re.I,
)
# scirate.com/arxiv/ID, semanticscholar.org/arxiv/ID, papers.cool/arxiv/ID, api.semanticscholar.org/.../paper/arXiv:ID
_ARXIV_ELSEWHERE = re.compile(rf"[/:]arxiv[/:.](?:(?:abs|pdf|html)/)?{_ANY}", re.A | re.I)
_DBLP = re.compile(r"/corr/abs-(\d{4})-(\d{4,5})(?!\d)", re.A)  # dblp.org/rec/journals/corr/abs-2107-05580
_HF_PATH = re.compile(r"/(?:api/)?(?:papers|arxiv)/", re.A)  # huggingface.co/papers/ID, huggingface.co/api/papers/ID

FIRST_NEW_STYLE, LAST_NEW_STYLE, FIRST_FIVE_DIGITS = 704, 2912, 1501  # as yymm


def _new_style(text: str) -> bool:
    """2107.05580: a month from 2007-04 on; four digits until 2014, five from 2015 on, not all zero."""
    yymm, _, number = text.partition(".")
    month_known = FIRST_NEW_STYLE <= int(yymm) <= LAST_NEW_STYLE and 1 <= int(yymm[2:]) <= 12
    return month_known and len(number) == (4 if int(yymm) < FIRST_FIVE_DIGITS else 5) and int(number) > 0


def _old_style(digits: str) -> bool:
    """9901001: a month from 1991-07 to 2007-03, then a number from 001 on."""
    year, month, number = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    yyyymm = (1900 if year > 90 else 2000) * 100 + year * 100 + month
    return 199107 <= yyyymm <= 200703 and 1 <= month <= 12 and number > 0


_NEW_VALUE = re.compile(r"\d{4}\.\d{4,5}", re.A)
_OLD_VALUE = re.compile(r"([a-z-]+)/(\d{7})", re.A)


def _arxiv(value: str) -> str | None:
    if old := _OLD_VALUE.fullmatch(value):
        return value if old[1] in _ARCHIVE_NAMES and _old_style(old[2]) else None
    return value if _NEW_VALUE.fullmatch(value) and _new_style(value) else None


def _arxiv_match(match: re.Match[str] | None) -> _Hit | None:
    """The id in the groups new or archive and old, with the group version."""
    if match is None:
        return None
    value = match["new"] or f"{match['archive'].lower()}/{match['old']}"
    version = match["version"]
    return (PaperId("arxiv", value), int(version) if version else None) if _arxiv(value) else None


def _arxiv_page(path: str) -> _Hit | None:
    return next(filter(None, map(_arxiv_match, _ARXIV_PATH.finditer(path))), None)


def _arxiv_hit(text: str) -> _Hit | None:
    hits = (_whole(text),) if len(text) <= LONGEST_ID_TEXT else ()
    for hit in hits:
        if hit is not None:
            return hit if hit[0].scheme == "arxiv" else None
    return next((hit for hit in _scan(text) if hit[0].scheme == "arxiv"), None)


# --- DOI --------------------------------------------------------------------------------------------------------------

_DOI = re.compile(r"10\.\d{4,9}(?:\.\d{1,9}){0,3}/[!$'()*+,\-./0-9:;<=>@\[\]_a-z~]+", re.A)
_DOI_IN_URL = re.compile(r"(?:^|[/:=])(10\.\d{4,9}(?:\.\d{1,9}){0,3}/[^\s?#&\"]+)", re.A)
_DOI_END = re.compile(r"[?#&\"\s]|https?://", re.A | re.I)  # a DOI list without spaces runs into the next URL
_DOI_PREFIX = r"(?:(?:info:|urn:)?doi[\s:\uff1a/=]{0,4})?"  # doi:10..., DOI 10..., info:doi/10...
_DOI_WHOLE = re.compile(rf"{_DOI_PREFIX}(10\.\d{{4,9}}(?:\.\d{{1,9}}){{0,3}}/.+)", re.A | re.I | re.S)
_ARXIV_DOI = re.compile(rf"10\.48550/arxiv\.{_ANY}", re.A | re.I)  # 10.48550/arXiv.2107.05580
# what publishers put behind a DOI: 10.3389/x/full, 10.1186/x/fulltext.html, 10.1007/x.pdf, Crossref's x/transform/...
_VIEW = re.compile(
    r"(?:/(?:full(?:text)?(?:\.html?)?|abstract|e?pdf|html|meta|summary|references|citations|transform/.*)"
    r"|\.(?:full|short|abstract|e?pdf|html?|xml|full-text|ris))$",
    re.A | re.I,
)
_ARTICLE_PDF = re.compile(r"/\d{5,12}/[^/]{1,120}$", re.A)  # /article-pdf/doi/10.1063/1.4938384/15174088/x.pdf
_BIORXIV = re.compile(r"(10\.(?:1101|64898)/[\d.]+\d)v\d", re.A)  # 10.1101/2020.10.18.344135v1.full.pdf


def _doi(value: str) -> str | None:
    """In lower case (case does not count in DOIs), without query and trailing punctuation; None for arXiv's own."""
    value = _DOI_END.split(value[: 2 * LONGEST_DOI], maxsplit=1)[0].lower() if value.isascii() else ""
    value = _trim(value, also="/")
    if len(value) > LONGEST_DOI or not _DOI.fullmatch(value) or value.startswith("10.48550/arxiv"):
        return None
    # 10.1002/(SICI)1097-4636(199823)43:4<338::AID-JBM16>3.0.CO;2-B, cut at "<" by free text, names a whole issue
    if "/(sici)" in value and "co;2" not in value:
        return None
    return value


def _doi_hit(text: str) -> _Hit | None:
    text = _trim(_DOI_END.split(text[: 2 * LONGEST_DOI], maxsplit=1)[0], also="/")
    if alias := _arxiv_match(_ARXIV_DOI.fullmatch(text)):
        return alias
    return _hit("doi", text)


def _doi_page(path: str, query: str, *, publisher: bool) -> _Hit | None:
    """A DOI in the path, or in a parameter: dl.acm.org/doi/pdf/10.1145/x, journals.plos.org/...?id=10.1371/x."""
    match = _DOI_IN_URL.search(path)
    if match is None:
        values = (v for k, v in parse_qsl(query) if k.lower() in ("doi", "id"))
        match = next(filter(None, (_DOI_IN_URL.match(v) for v in values)), None)
    if match is None:
        return None
    doi = match[1][: 2 * LONGEST_DOI]
    if publisher:
        if preprint := _BIORXIV.match(doi):
            doi = preprint[1]
        if "/article-pdf/" in path:
            doi = _ARTICLE_PDF.sub("", doi)
        for _ in range(3):  # .../10.1186/x/fulltext.html, .../10.1101/x.full.pdf
            doi = _VIEW.sub("", doi)
    return _doi_hit(doi)


# nature.com/articles/nature24270, /articles/s41586-020-2649-2.pdf, /nature/journal/v550/n7676/full/nature24270.html
_NATURE = re.compile(
    r"/(?:articles/|[a-z]+/journal/v\w+/n[\w-]+/(?:full|abs|pdf)/)(?=[a-z.-]*\d)([a-z0-9][a-z0-9-]{5,40})(?![a-z0-9-])",
    re.A | re.I,
)
# www.ijcai.org/proceedings/2020/69, /proceedings/2020/0069.pdf: a DOI of the same numbers since 2017
_IJCAI = re.compile(r"/proceedings/(201[7-9]|20[2-9]\d)/0*([1-9]\d{0,3})(?:\.pdf|/)?$", re.A)


def _nature_page(path: str) -> _Hit | None:
    match = _NATURE.match(path)
    return _hit("doi", f"10.1038/{match[1]}") if match else None


def _ijcai_page(path: str) -> _Hit | None:
    match = _IJCAI.match(path)
    return _hit("doi", f"10.24963/ijcai.{match[1]}/{match[2]}") if match else None


# --- OpenReview -------------------------------------------------------------------------------------------------------

_OPENREVIEW = re.compile(r"[A-Za-z0-9_-]{8,24}", re.A)
_OPENREVIEW_PARAMETER = re.compile(r"([A-Za-z0-9_-]{8,24})(?![A-Za-z0-9_/-])", re.A)
_OPENREVIEW_PATH = re.compile(r"/+(?:forum|pdf|attachment)/?$", re.A)  # not /references/pdf?id=, which names a revision


def _openreview(value: str) -> str | None:
    return value if _OPENREVIEW.fullmatch(value) else None


def _openreview_page(path: str, query: str) -> _Hit | None:
    """openreview.net/forum?id=B14TlG-RW&noteId=..., /pdf?id=..., /attachment?id=...&name=supplementary_material."""
    if not _OPENREVIEW_PATH.match(path):
        return None
    match = next((_OPENREVIEW_PARAMETER.match(v) for k, v in parse_qsl(query) if k == "id"), None)
    return _hit("openreview", match[1]) if match else None


# --- CVF and ECVA -----------------------------------------------------------------------------------------------------

_STEM = r"[\w.,'+!()~&@-]{1,240}_paper"
_WORKSHOP = r"\w[\w.-]{0,59}"
_CVF = re.compile(rf"(CVPR|ICCV|WACV|ACCV|ECCV)(20\d\d)(?:/{_STEM}|W/{_WORKSHOP}/{_STEM})", re.A)
_CVF_FOLDER = re.compile(
    r"content(?:"
    r"/(?P<a>[a-z]{4})(?P<a_year>20\d\d)(?P<a_w>w?)"  # content/CVPR2021, content/CVPR2021W
    r"|_(?P<b>[a-z]{4})(?P<b_w>w?)_(?P<b_year>20\d\d)"  # content_CVPR_2019, content_cvpr_2018, content_CVPRW_2019
    r"|_(?P<c>[a-z]{4})_(?P<c_year>20\d\d)_workshops"  # content_cvpr_2018_workshops, content_ICCV_2017_workshops
    r"|_(?P<d>[a-z]{4})_workshops_(?P<d_year>20\d\d)"  # content_cvpr_workshops_2014
    r")/(?P<rest>.{1,400})$",
    re.A | re.I,
)
_CVF_REST = re.compile(
    rf"(?:(?P<before>{_WORKSHOP})/)?(?:html|papers)/(?:(?P<after>{_WORKSHOP})/)?(?P<stem>{_STEM})\.(?:html|pdf)$",
    re.A | re.I,
)
_ECVA = re.compile(rf"ECCV(20\d\d)/{_STEM}", re.A)
# papers/eccv_2022/papers_ECCV/html/315_ECCV_2022_paper.php
# papers/eccv_2018/papers_ECCV/papers/Ye_Yuan_3D_Ego-Pose_Estimation_ECCV_2018_paper.pdf
# papers/eccv_2024/papers_ECCV/papers/08963.pdf, of html/8963_ECCV_2024_paper.php
# but not .../papers/136610001.pdf, as in 2020 and 2022: volume 13661, page 1 of the print
_ECVA_PATH = re.compile(
    rf"/papers/eccv_(?P<year>20\d\d)/papers_ECCV/(?:html/(?P<page>{_STEM})\.php"
    rf"|papers/(?:(?P<pdf>{_STEM})|(?P<number>\d{{5}})(?:-supp)?)\.pdf)$",
    re.A | re.I,
)


def _cvf(value: str) -> str | None:
    if not _CVF.fullmatch(value) or value.startswith("ECCV2018/"):  # ECCV 2018 is ECVA's, with the same names
        return None
    # content_ECCVW_2018/papers/11133/X.pdf, a volume of the print: its page is below w1 ... w44
    return None if re.match(r"ECCV\d{4}W/\d+/", value, re.A) else value


def _ecva(value: str) -> str | None:
    return value if _ECVA.fullmatch(value) else None


def _cvf_page(path: str) -> _Hit | None:
    """openaccess.thecvf.com/content.../html/X_paper.html or its PDF; www.cv-foundation.org/openaccess/ is the same."""
    folder = _CVF_FOLDER.match(path.lstrip("/").removeprefix("openaccess").lstrip("/"))
    rest = _CVF_REST.match(folder["rest"]) if folder else None
    if folder is None or rest is None:
        return None
    venue = (folder["a"] or folder["b"] or folder["c"] or folder["d"]).upper()
    year = folder["a_year"] or folder["b_year"] or folder["c_year"] or folder["d_year"]
    is_workshop = bool(folder["a_w"] or folder["b_w"] or folder["c"] or folder["d"])
    workshop = rest["before"] or rest["after"]  # w34/html/X, W17/papers/X; papers/w9/X, html/LPCV/X
    if is_workshop != bool(workshop) or (rest["before"] and rest["after"]):
        return None
    if not workshop:
        return _hit("ecva" if (venue, year) == ("ECCV", "2018") else "cvf", f"{venue}{year}/{rest['stem']}")
    return _hit("cvf", f"{venue}{year}W/{workshop}/{rest['stem']}")


def _cvf_url(value: str) -> str:
    """The folder names that CVF used, year by year."""
    folder, _, name = value.partition("/")
    venue, year = folder[:4], int(folder[4:8])
    old_name = "ICCV" if (venue, year) == ("ICCV", 2017) else venue.lower()
    modern = year >= 2021 or venue == "ACCV"
    if not folder.endswith("W"):
        if modern:
            below = f"content/{venue}{year}/html/{name}"
        else:
            below = f"content_{venue if year >= 2019 else old_name}_{year}/html/{name}"
    else:
        workshop, _, stem = name.partition("/")
        if modern:
            below = f"content/{venue}{year}W/{workshop}/html/{stem}"
        elif year >= 2019:
            below = f"content_{venue}W_{year}/html/{workshop}/{stem}"
        elif year >= 2016 or (venue, year) == ("ICCV", 2015):
            below = f"content_{old_name}_{year}_workshops/{workshop}/html/{stem}"
        else:
            below = f"content_{old_name}_workshops_{year}/{workshop}/html/{stem}"
    return f"https://openaccess.thecvf.com/{quote(below)}.html"


def _ecva_page(path: str) -> _Hit | None:
    match = _ECVA_PATH.match(path)
    if match is None:
        return None
    year = match["year"]
    stem = match["page"] or match["pdf"] or f"{int(match['number'])}_ECCV_{year}_paper"
    return _hit("ecva", f"ECCV{year}/{stem}")


def _ecva_url(value: str) -> str:
    folder, _, stem = value.partition("/")
    return f"https://www.ecva.net/papers/eccv_{folder[4:]}/papers_ECCV/html/{quote(stem)}.php"


# --- NeurIPS ----------------------------------------------------------------------------------------------------------

_NEURIPS = re.compile(r"(?:19|20)\d\d/[0-9a-f]{32}(?:-[A-Za-z][A-Za-z0-9_]{0,60})?|\d{1,5}-[a-z0-9-]{1,300}", re.A)
# /paper/2017/hash/HEX-Abstract.html, /paper_files/paper/2022/hash/HEX-Abstract-Conference.html
# /paper_files/paper/2023/file/HEX-Paper-Datasets_and_Benchmarks.pdf, /paper/2021/hash/HEX-Abstract-round1.html
_NEURIPS_PATH = re.compile(
    r"/(?:paper_files/)?paper/(?P<year>(?:19|20)\d\d)/(?:hash|file)/(?P<hash>[0-9a-f]{32})"
    r"(?:-[A-Za-z]+(?:-(?P<track>[A-Za-z][A-Za-z0-9_]{0,60}))?)?(?:\.[a-z]{2,5})?/?$",
    re.A | re.I,
)
# papers.nips.cc/paper/7181-attention-is-all-you-need.pdf: until 2019 numbers of their own. The later hash is the MD5 of
# the submission's number from 2007 on, so it cannot be told from this one: such a link is an id of its own.
_NEURIPS_OLD = re.compile(r"/paper/(\d{1,5}-[a-z0-9-]{1,300}?)(?:-supplemental)?(?:\.(?:pdf|zip))?/?$", re.A | re.I)


def _neurips(value: str) -> str | None:
    plain = not value.lower().endswith(("-conference", "-supplemental"))
    return value if plain and _NEURIPS.fullmatch(value) else None


def _neurips_page(path: str) -> _Hit | None:
    match = _NEURIPS_PATH.match(path)
    if match is None:
        old = _NEURIPS_OLD.match(path)
        return _hit("neurips", old[1].lower()) if old else None
    track = match["track"]
    suffix = f"-{track}" if track and track.lower() != "conference" else ""
    return _hit("neurips", f"{match['year']}/{match['hash'].lower()}{suffix}")


def _neurips_url(value: str) -> str:
    year, slash, rest = value.partition("/")
    if not slash:
        return f"https://papers.nips.cc/paper/{value}"
    digest, _, track = rest.partition("-")
    if track in ("round1", "round2"):  # Datasets and Benchmarks had a site of their own in 2021
        host = "datasets-benchmarks-proceedings.neurips.cc"
    else:
        host = "proceedings.neurips.cc"
        track = track or ("Conference" if int(year) >= 2022 else "")
    return f"https://{host}/paper_files/paper/{year}/hash/{digest}-Abstract{'-' + track if track else ''}.html"


# --- PMLR -------------------------------------------------------------------------------------------------------------

_PMLR_KEY = r"[A-Za-z][A-Za-z0-9_-]{0,80}?\d[a-z]{0,4}"  # radford21a, guillame-bert12, Wang13b, ye4
_PMLR = re.compile(rf"[vr]\d{{1,4}}/{_PMLR_KEY}", re.A)
# /v139/radford21a.html, /v139/radford21a/radford21a.pdf, /v37/ioffe15-supp.pdf, /r0/pearl95a.html
_PMLR_PATH = re.compile(
    rf"/(?P<volume>[vr]\d{{1,4}})/(?P<key>{_PMLR_KEY})(?:-supp)?(?:\.(?:html|pdf|bib)|/[^/]{{0,120}})?$", re.A
)
# raw.githubusercontent.com/mlresearch/v235/main/assets/x24a/x24a.pdf, github.com/mlresearch/v235/blob/main/assets/...
_PMLR_REPOSITORY = re.compile(
    r"/mlresearch/(?P<volume>[vr]\d{1,4})/(?:(?:raw|blob)/)?[\w-]{1,30}/(?:assets/)?"
    rf"(?P<key>{_PMLR_KEY})/[^/]{{0,120}}$",
    re.A,
)


def _pmlr(value: str) -> str | None:
    return value if _PMLR.fullmatch(value) else None


def _pmlr_page(path: str) -> _Hit | None:
    match = _PMLR_PATH.match(path)
    return _hit("pmlr", f"{match['volume']}/{match['key']}") if match else None


def _jmlr_page(path: str) -> _Hit | None:
    """jmlr.org/proceedings/papers/v37/ioffe15.html, before PMLR had a site. jmlr.org/papers/ is the journal: no id."""
    prefix = "/proceedings/papers"
    return _pmlr_page(path[len(prefix) :]) if path.startswith(prefix + "/") else None


def _mlresearch_page(path: str) -> _Hit | None:
    match = _PMLR_REPOSITORY.match(path)
    return _hit("pmlr", f"{match['volume']}/{match['key']}") if match else None


# --- ACL Anthology ----------------------------------------------------------------------------------------------------
# https://aclanthology.org/info/ids/

_ACL_ID = r"(?:\d{4}\.[a-z0-9]{1,40}-[a-z0-9]{1,40}\.\d{1,4}|[a-z]\d{2}-\d{4})"  # 2021.naacl-main.208, N04-1001
_ACL = re.compile(_ACL_ID, re.A | re.I)
# a segment: N04-1001, N04-1001.pdf, 2021.naacl-main.208v2.pdf, P17-1001e1.pdf, P18-1001.Notes.pdf, N04-1001.mp4
_ACL_SEGMENT = re.compile(rf"({_ACL_ID})(?:[ve]\d{{1,2}})?(?:\.[a-z]\w{{0,40}}){{0,3}}", re.A | re.I)


def _acl(value: str) -> str | None:
    """New ids are in lower case, old ones in upper case."""
    if not _ACL.fullmatch(value):
        return None
    return value.lower() if value[0].isdigit() else value.upper()


def _acl_page(path: str) -> _Hit | None:
    """aclanthology.org/ID/, /ID.pdf, aclweb.org/anthology/ID, /anthology/N/N04/ID.pdf, aclanthology.info/papers/ID."""
    for segment in path.rsplit("/", 4)[:0:-1]:
        if match := _ACL_SEGMENT.fullmatch(segment):
            return _hit("acl", match[1])
    return None


# --- one canonical form and one URL per scheme ------------------------------------------------------------------------

_CANONICAL: dict[str, Callable[[str], str | None]] = {
    "arxiv": _arxiv,
    "openreview": _openreview,
    "doi": _doi,
    "cvf": _cvf,
    "ecva": _ecva,
    "neurips": _neurips,
    "pmlr": _pmlr,
    "acl": _acl,
}
_URL: dict[str, Callable[[str], str]] = {
    "arxiv": "https://arxiv.org/abs/{}".format,
    "openreview": "https://openreview.net/forum?id={}".format,
    "doi": lambda value: "https://doi.org/" + quote(value, safe="/:;()"),
    "cvf": _cvf_url,
    "ecva": _ecva_url,
    "neurips": _neurips_url,
    "pmlr": "https://proceedings.mlr.press/{}.html".format,
    "acl": "https://aclanthology.org/{}/".format,
}


def _hit(scheme: str, value: str) -> _Hit | None:
    canonical = _CANONICAL[scheme](value)
    return (PaperId(scheme, canonical), None) if canonical else None


# --- URLs -------------------------------------------------------------------------------------------------------------


def _hugging_face_page(path: str) -> _Hit | None:
    return _arxiv_page(path) if _HF_PATH.match(path) else None


_PAGES: dict[str, Callable[[str], _Hit | None]] = {  # by domain, subdomains included
    "arxiv.org": _arxiv_page,  # export., www., de., cn., browse., static., ar5iv.labs.
    "xxx.lanl.gov": _arxiv_page,  # its first home
    "ar5iv.org": _arxiv_page,
    "alphaxiv.org": _arxiv_page,
    "arxiv-vanity.com": _arxiv_page,
    "emergentmind.com": _arxiv_page,
    "huggingface.co": _hugging_face_page,
    "hf.co": _hugging_face_page,
    "thecvf.com": _cvf_page,
    "cv-foundation.org": _cvf_page,
    "ecva.net": _ecva_page,
    "nips.cc": _neurips_page,
    "neurips.cc": _neurips_page,
    "mlr.press": _pmlr_page,
    "mlresearch.github.io": _pmlr_page,
    "jmlr.org": _jmlr_page,
    "jmlr.csail.mit.edu": _jmlr_page,
    "githubusercontent.com": _mlresearch_page,
    "github.com": _mlresearch_page,
    "aclanthology.org": _acl_page,
    "aclanthology.info": _acl_page,
    "aclanthology.coli.uni-saarland.de": _acl_page,
    "aclweb.org": _acl_page,
    "acl.ldc.upenn.edu": _acl_page,
    "nature.com": _nature_page,
    "ijcai.org": _ijcai_page,
}


def _domains(host: str) -> Iterator[str]:
    """The host and the domains above it: export.arxiv.org, arxiv.org."""
    labels = host.rsplit(".", 4)
    for start in range(max(len(labels) - 4, 0), len(labels) - 1):
        yield ".".join(labels[start:])


def _split(url: str) -> tuple[str, str, str] | None:
    """Host in lower case, path and query as written; None where there is no host."""
    try:
        parts = urlsplit(url if "://" in url[:10] else "//" + url.lstrip("/"))
        host = (parts.hostname or "").rstrip(".")
    except ValueError:  # a broken IPv6 address, a host that changes under NFKC
        return None
    return (host, parts.path, parts.query) if host else None


def _from_url(url: str) -> _Hit | None:
    parts = _split(unwrap(url))
    if parts is None:
        return None
    host, path, query = parts
    raw_path = unquote(unquote(path))  # twice: links that were encoded on the way carry 10.48550%252FarXiv...
    path = re.sub("/{2,}", "/", raw_path)
    for domain in _domains(host):
        if domain == "openreview.net":
            return _openreview_page(path, query)
        if (page := _PAGES.get(domain)) and (hit := page(path)):
            return hit
    if hit := _doi_page(raw_path, query, publisher=host not in ("doi.org", "dx.doi.org", "www.doi.org")):
        return hit
    if dblp := _DBLP.search(path):
        return _hit("arxiv", f"{dblp[1]}.{dblp[2]}")
    return _arxiv_match(_ARXIV_ELSEWHERE.search(path))


_WRAPPERS: dict[str, tuple[str, tuple[str, ...]]] = {  # domain: start of the path, parameters that hold the target
    "link.zhihu.com": ("/", ("target",)),  # https://link.zhihu.com/?target=https%3A//arxiv.org/abs/...
    "l.facebook.com": ("/l.php", ("u",)),
    "lm.facebook.com": ("/l.php", ("u",)),
    "l.instagram.com": ("/", ("u",)),
    "out.reddit.com": ("/", ("url",)),
    "youtube.com": ("/redirect", ("q",)),
    "linkedin.com": ("/", ("url",)),  # /redir/redirect?url=, /safety/go?url=
    "slack-redir.net": ("/link", ("url",)),
    "safelinks.protection.outlook.com": ("/", ("url",)),
    "duckduckgo.com": ("/l/", ("uddg",)),
    "weibo.cn": ("/sinaurl", ("u", "toasturl")),
    "link.csdn.net": ("/", ("target",)),
    "link.juejin.cn": ("/", ("target",)),
    "jianshu.com": ("/go-wild", ("url",)),
    "gitee.com": ("/link", ("target",)),
}
_GOOGLE = re.compile(r"(?:(?P<scholar>scholar)|www)\.google(?:\.[a-z]{2,3}){1,2}", re.A)  # scholar.google.com.hk too
_ARCHIVED = re.compile(r"(?:https?:)?(?://)?web\.archive\.org/web/[^/]{1,40}/(https?:/.*)", re.A | re.I | re.S)
_DEFENDED = re.compile(r"(?:https?:)?(?://)?urldefense\.(?:com|us)/v3/__(https?:/.*?)(?:__;.*)?$", re.A | re.I | re.S)
_HTTP = re.compile(r"(https?):/{1,3}", re.A | re.I)


def _wrapper(host: str, path: str) -> tuple[str, ...]:
    """The parameters that hold the target, empty where the host wraps nothing."""
    path = path or "/"
    if google := _GOOGLE.fullmatch(host):
        if google["scholar"]:  # /scholar_url?url=..., /scholar_share?...&url=... in alert mails
            return ("url",) if path.startswith("/scholar") else ()
        return ("url", "q") if path == "/url" else ()
    for domain in _domains(host):
        if domain in _WRAPPERS and path.startswith(_WRAPPERS[domain][0]):
            return _WRAPPERS[domain][1]
    return ()


def _unwrap_once(url: str) -> str | None:
    url = _entities(url)
    if inside := _ARCHIVED.match(url) or _DEFENDED.match(url):
        return _HTTP.sub(r"\1://", inside[1], count=1)  # some of them fold the two slashes into one
    parts = _split(url)
    names = _wrapper(parts[0], parts[1]) if parts else ()
    if parts is None or not names:
        return None
    return next((v for k, v in parse_qsl(parts[2]) if k in names and _HTTP.match(v)), None)


# --- whole texts, and free text ---------------------------------------------------------------------------------------

_TAGGED = re.compile(r"([a-z]{3,10})[:\uff1a]\s?(.+)", re.A | re.I | re.S)
_URL_LIKE = re.compile(r"(?:https?:)?//[^\s]|(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,12}(?::\d{1,5})?/", re.A | re.I)


def _whole(text: str) -> _Hit | None:
    """The id that the whole text spells."""
    text = text.strip()
    if len(text) > LONGEST_ID_TEXT:
        return None
    if title := _ARXIV_TITLE.match(text):
        return _arxiv_match(title)
    text = _tidy(_entities(text))
    if hit := _arxiv_match(_ARXIV_WHOLE.fullmatch(text)):
        return hit
    if match := _DOI_WHOLE.fullmatch(text):
        return _doi_hit(match[1]) if not re.search(r"\s", match[1]) else None
    tagged = _TAGGED.fullmatch(text)
    if tagged and tagged[1].lower() in SCHEMES and not _URL_LIKE.match(tagged[2]):
        return _hit(tagged[1].lower(), tagged[2])
    if tagged and tagged[1].lower() in SCHEMES:  # "openreview: https://openreview.net/forum?id=..."
        text = tagged[2]
    if re.match(r"https?%3a", text, re.A | re.I):
        text = unquote(text)
    return _from_url(text) if _URL_LIKE.match(text) and not re.search(r"\s", text) else None


_OTHER_HOSTS = ("openreview.net", "doi.org", "semanticscholar.org", "scirate.com", "dl.acm.org", "link.springer.com")
_HOSTS_WITHOUT_SCHEME = "|".join(map(re.escape, (*_PAGES, *_OTHER_HOSTS)))
_URL_CHARACTERS = r"[!#$%&'()*+,./0-9:;=?@A-Z_a-z~-]"  # ASCII without white space, quotes and brackets but ()
_SCAN = re.compile(
    rf"(?P<url>(?:https?://|(?<![a-z0-9@_-])(?:{_HOSTS_WITHOUT_SCHEME})/){_URL_CHARACTERS}+)"
    rf"|(?P<arxiv>(?<![a-z0-9])arxiv(?:\.org)?[\s:\uff1a./_-]{{1,4}}{_ANY})"
    r"|(?P<doi>(?<![\w.])10\.\d{4,9}(?:\.\d{1,9}){0,3}/(?:(?!https?://)[!$'()*+./0-9:;=@_a-z~%-])+)"
    # a bare id is a word of its own: no price, no part of a longer number, of a path or of a version
    r"|(?P<bare>(?<![\w$+=@%.,/\\\u00a3\u00a5\u20ac\uffe5-])(?P<bare_new>\d{4}\.\d{4,5})(?:v(?P<bare_version>\d{1,3}))?"
    r"(?![\w%])(?![.,:/-]\w))"
    rf"|(?P<bare_old>(?<![\w./-])(?:{_ARCHIVES})(?:\.[a-z-]{{2,9}})?/\d{{7}}(?:v\d{{1,3}})?(?!\w)(?!/))"
    r"|(?P<tagged>(?<![\w.:/-])(?:openreview|cvf|ecva|neurips|pmlr|acl):(?!https?:)[\w.,'+!()~&@/-]{5,400})",
    re.A | re.I,
)
_NEXT_URL = re.compile(r"https?://", re.A | re.I)
_RANDOM = re.compile(r".+[A-Z0-9]", re.A)  # "openreview:discussion" is prose


def _scan(text: str) -> Iterator[_Hit]:
    """The hits in free text, in order, with doubles."""
    text = _entities(text)
    if "\\" in text:
        text = _ESCAPED.sub(lambda m: m[2] or ("&" if m[1] == "26" else "/"), text)
    for match in _SCAN.finditer(text):
        if match["url"]:
            yield from _scan_url(match["url"])
        elif hit := _scanned(match):
            yield hit


def _scanned(match: re.Match[str]) -> _Hit | None:
    if match["arxiv"]:
        return _arxiv_match(match)
    if match["doi"]:
        return _doi_hit(unquote(match["doi"][: 3 * LONGEST_DOI]))
    if match["bare"]:
        version = match["bare_version"]
        hit = _hit("arxiv", match["bare_new"])
        return (hit[0], int(version) if version else None) if hit else None
    if match["bare_old"]:
        return _arxiv_match(_ARXIV_WHOLE.fullmatch(match["bare_old"]))
    scheme, _, value = _trim(match["tagged"]).partition(":")
    return _hit(scheme.lower(), value) if scheme.lower() != "openreview" or _RANDOM.match(value) else None


def _scan_url(token: str) -> Iterator[_Hit]:
    """The hits in a run of URL characters: one URL, or several that only a comma or a bracket parts."""
    starts = [0, *(m.start() for m in _NEXT_URL.finditer(token, 1))]
    for start, end in zip(starts, [*starts[1:], len(token)], strict=True):
        piece = token[start:end]
        parts = _split(piece)
        wraps = parts is not None and (_wrapper(parts[0], parts[1]) or parts[0].startswith("urldefense."))
        if wraps:
            piece = token[start:]  # the target may stand in it as it is: ...?url=https://...
        if hit := _from_url(_trim(piece)):
            yield hit
        if wraps:
            break
