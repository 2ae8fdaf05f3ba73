"""Which paper a thread is about, by its title: what may be a paper's title in the title of a post, best first.

Threads dress titles up: `[R] A Title [pdf]`, `ICLR 2026 | A Title`, `Show HN: A Title (arXiv:2603.01001)`, `【论文】...`,
`讲解《A Title》`. The undressed texts are compared with known titles by `data.text.title_key`, so only text that is long
enough to be evidence comes back.
"""

from __future__ import annotations

import re

from data.text import clean, title_key

SHORTEST_WORDS = 4
SHORTEST_CJK = 12  # characters
LONGEST = 1000  # characters of a thread's title that are looked at

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")

_VENUE = (
    r"(?:CVPR|ICCV|ECCV|WACV|ACCV|BMVC|3DV|ICLR|NeurIPS|NIPS|ICML|AISTATS|UAI|COLT|CoRL|COLM|TMLR|JMLR|ACL|EMNLP"
    r"|NAACL|EACL|COLING|TACL|AAAI|IJCAI|KDD|WWW|SIGIR|SIGGRAPH(?: Asia)?|ICRA|IROS|RSS|MICCAI|ICASSP|INTERSPEECH"
    r"|T-?PAMI|IJCV|PNAS|Nature|Science)"
)
_RANK = r"(?:oral|spotlights?|poster|highlight|best (?:student )?paper(?: award)?|workshops?|findings|accepted|main)"
_WHERE = rf"{_VENUE}(?:['’\u2018 -]{{0,2}}(?:19|20)?\d{{2}})?(?:[ ,@-]{{1,2}}{_RANK}){{0,2}}"
_LABEL = (
    r"(?:(?:show|ask|tell|launch) hn|(?:new |research |our )?(?:paper|preprint|pre-print)s?|arxiv|research|read(?:ing)?"
    r"|discussion|project|news|paper (?:review|summary|discussion|explained|walkthrough)|thoughts on|title"
    r"|论文(?:推荐|解读|分享|速递|阅读|笔记|精读|浅析|详解)?|論文(?:紹介|解説|読み|メモ|まとめ)?|新论文|干货|综述|直播(?:预告)?|今日论文|標題|标题)"
)
_TAG = re.compile(
    rf"(?:[RDPN]|[a-z]{{2}}|pdf|video|code|slides|blog|github|audio|paper|html|ps|long|{_RANK}|{_LABEL}|{_WHERE}"
    r"|(?:19|20)\d{2}|(?:arxiv|doi)[:\s].{0,60}|\d{4}\.\d{4,5}(?:v\d+)?"
    r"|附.{1,20}|文末.{1,20}|.{0,12}(?:论文|論文|代码|源码|下载|コード).{0,12})",
    re.I,
)
_LEADING = re.compile(r"[\[【(（「](?P<tag>[^\[\]【】()（）「」]{1,60})[\]】)）」]\s*")
_TRAILING = re.compile(r"\s*[\[【(（](?P<tag>[^\[\]【】()（）]{1,60})[\]】)）]\Z")
_PREFIX = re.compile(rf"(?:{_LABEL}|{_WHERE}(?:\s*{_LABEL})?)\s*(?:[:：|｜丨]|\s[-–—]\s)\s*", re.I)
_SITE = re.compile(
    r"\s*(?:[|｜丨·]|\s[-–—]\s)\s*(?:hacker news|lobsters|reddit|openreview|arxiv(?:\.org)?|hugging face|知乎|微博)\Z",
    re.I,
)
_QUOTED = re.compile(r"《([^《》]+)》|“([^“”]+)”|「([^「」]+)」|『([^『』]+)』|【([^【】]+)】|\"([^\"]+)\"|«([^«»]+)»")
_PARTS = re.compile(r"\s*[|｜丨]\s*|\s+[–—]\s+")
_LATIN_RUN = re.compile(r"[A-Za-z][\x20-\x7e\u2019\u2013\u00c0-\u024f]{12,}")


def paper_titles(text: str) -> list[str]:
    """Possible titles of papers in a thread's title, best first: what stands in quotes, then the text without its tags,
    then its parts. Only those of at least four words or twelve CJK characters."""
    text = clean(text[:LONGEST])
    bare = _undressed(text)
    found = [_undressed(next(filter(None, match.groups()))) for match in _QUOTED.finditer(text)]
    found.append(bare)
    parts = [_undressed(part) for part in _PARTS.split(bare)]
    if len(parts) > 1:
        found += sorted(parts, key=len, reverse=True)
    if _CJK.search(bare):  # an English title inside a Chinese or Japanese sentence
        found += sorted((_undressed(run) for run in _LATIN_RUN.findall(bare)), key=len, reverse=True)
    kept: dict[str, str] = {}
    for title in found:
        if _long_enough(title):
            kept.setdefault(title_key(title), title)
    return list(kept.values())


def _undressed(text: str) -> str:
    """Without tags, labels and site names at both ends, and without quotes around the whole."""
    before = None
    while before != text:
        before = text
        text = text.strip(" \t,，、;；:：|｜丨·-–—")
        if (match := _LEADING.match(text)) and _TAG.fullmatch(match["tag"].strip()):
            text = text[match.end() :]
        if (match := _TRAILING.search(text)) and _TAG.fullmatch(match["tag"].strip()):
            text = text[: match.start()]
        if match := _PREFIX.match(text):
            text = text[match.end() :]
        text = _SITE.sub("", text)
        if (match := _QUOTED.fullmatch(text)) is not None:
            text = next(filter(None, match.groups()))
    return text


def _long_enough(text: str) -> bool:
    return len(_WORD.findall(_CJK.sub(" ", text))) >= SHORTEST_WORDS or len(_CJK.findall(text)) >= SHORTEST_CJK
