"""OpenReview: submissions and accepted papers of ICLR, NeurIPS, COLM and others, with how each was decided.

Two APIs, described at https://docs.openreview.net/reference/api-v2: version 2 (api2.openreview.net, values wrapped as
{"value": ...}) has the newer venues, version 1 (api.openreview.net, bare values) those up to 2022 or 2023. Pages go by
`sort=id` and `after=ID`, as in OpenReview's own client, so that notes which change meanwhile are never skipped.

Since 2026 anonymous servers are refused with HTTP 403 and a ChallengeRequiredError; with an account (POST /login gives
a token, one for each host) the API answers. What it allows for later runs: version 2 takes `mintmdate`, notes modified
since then; version 1 knows only a creation date, so that its venues, all of them closed, are read once.

The cursor's keys, where ASK is a venue id or an invitation: `mark:ASK`, it was read as it stood then (milliseconds, an
hour early); `part:ASK`, how far an unfinished reading came; `short:ASK`, it gave only so many notes, fewer than it
counts; `decided:ASK`, decisions are out; `todo:ASK`, a group to read because decisions came out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from crawler.source import Cursor, Expect, Failure, Fetch, MoveCursor, Notice, Output, Page, SourceOff, Window
from crawler.sources._table import Options, Secrets, Table
from crawler.sources._threads import number_of, text_of
from data.errors import MalformedId, PageError
from data.ids import PaperId, url_of
from data.records import BadRecord, PaperRecord
from data.text import clean

SOURCE = "openreview"
USER, PASSWORD = "FRONTIER_OPENREVIEW_USER", "FRONTIER_OPENREVIEW_PASSWORD"
PAGE_SIZE = {2: 1000, 1: 250}  # 1000 is the API's most; notes of version 1 bring their replies along (the decisions)
MARGIN_MS = 3_600_000  # between our clock and theirs
FIRST_V2 = {"ICLR": 2024}  # https://docs.openreview.net/getting-started/using-the-api; all others: 2023
DECIDED_GROUPS = ("Rejected_Submission", "Withdrawn_Submission", "Desk_Rejected_Submission")

_VENUE = re.compile(r"[\w.-]+(?:/[\w.&-]+)*(?:/-/[\w-]+)?", re.A)
_YEAR = re.compile(r"(?:^|/)((?:19|20)\d\d)(?=/|$)")
_IMPORTED = re.compile(r"(?:dblp\.org|orcid\.org|openreview\.net/(?:archive|public_article))/", re.I)
_PRESENTATION = re.compile(r"\b(?:oral|spotlight|poster|notable)\b")
_DECISION = re.compile(r"(?:decision|meta_review|acceptance)$", re.I)
_PART = ("started", "mark", "after", "seen", "total", "left_out", "decided")
_CODE_FIELDS = ("code", "code_url", "code_link", "code_repository", "github", "github_url", "github_link")


def venue_id(text: str) -> str:
    """A venue id (`ICLR.cc/2026/Conference`) or an invitation (`.../-/Submission`); ValueError for what is neither."""
    name = text.strip().strip("/")
    if not _VENUE.fullmatch(name):
        raise ValueError(f"not an OpenReview venue: {text[:60]!r} (write it like ICLR.cc/2026/Conference)")
    return name


def short_venue(venue: str) -> str:
    """ICLR of `ICLR.cc/2026/Conference`, COLM of `colmweb.org/COLM/2025/Conference`."""
    parts = venue.split("/")
    own = len(parts) > 1 and not _YEAR.fullmatch(parts[1]) and "." in parts[0]
    return parts[1] if own else parts[0].partition(".")[0]


def api_version(venue: str) -> int:
    """Which API has the venue: by its year, 2 where it names none."""
    year = _YEAR.search(venue)
    return 2 if year is None or int(year[1]) >= FIRST_V2.get(short_venue(venue), 2023) else 1


class OpenReviewSource:
    """The notes of some venues. A venue id stands for its accepted papers, and for all that is under review as long as
    nothing is accepted; an invitation (`VENUE/-/Submission`) for all of its notes. ValueError for a name that is none.
    """

    name = SOURCE
    terms = "https://openreview.net/legal/terms"

    def __init__(
        self,
        venues: Sequence[str],
        *,
        v1: Sequence[str] = (),
        v2: Sequence[str] = (),
        user: str = "",
        password: str = "",
        api: str = "https://api2.openreview.net",
        api_v1: str = "https://api.openreview.net",
    ) -> None:
        forced = {**dict.fromkeys(map(venue_id, v1), 1), **dict.fromkeys(map(venue_id, v2), 2)}
        self.venues = {name: forced.get(name) or api_version(name) for name in map(venue_id, venues)}
        self._login = (user, password)
        self._api = {2: api.rstrip("/"), 1: api_v1.rstrip("/")}

    # ---- what to ask ------------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Each venue's notes that changed, after a login where there is an account. A window goes by the venues' years
        and reads them anew."""
        wanted: dict[int, list[Fetch]] = {}
        for venue, version in self.venues.items():
            for ask in self._asks(venue, version, cursor, window):
                wanted.setdefault(version, []).append(ask)
        for version, fetches in wanted.items():
            if not all(self._login):
                yield from fetches
                continue
            user, password = self._login
            yield Fetch(
                url=f"{self._api[version]}/login",
                kind="api",
                method="POST",
                headers={"Content-Type": "application/json"},
                body=json.dumps({"id": user, "password": password}).encode(),
                context={"step": "login", "wanted": tuple(fetches)},
                priority=10,
            )

    def _asks(self, venue: str, version: int, cursor: Cursor, window: Window) -> Iterator[Fetch]:
        year = _year_of(venue)
        if year and ((window.since and year < window.since.year) or (window.until and year > window.until.year)):
            return
        fresh = bool(window.since or window.until)
        asks = [venue if "/-/" in venue or version == 2 else f"{venue}/-/Blind_Submission"]
        asks += [key.removeprefix("todo:") for key in cursor if key.startswith(f"todo:{venue}/")]
        for ask in asks:
            context = {
                "step": "notes",
                "venue": venue,
                "ask": ask,
                "version": version,
                "resumed": False,
                "this_year": window.now.year,
                "short": cursor.get(f"short:{ask}"),
                # what is known of the submissions under review, for a venue where nothing is accepted
                "submitted": None if fresh else cursor.get(f"mark:{ask}/Submission"),
                "submitted_part": cursor.get(f"part:{ask}/Submission"),
            }
            mark, part = None if fresh else cursor.get(f"mark:{ask}"), cursor.get(f"part:{ask}")
            if isinstance(part, Mapping) and (mark is None) == (part["mark"] is None):
                yield self._notes({**context, **part, "resumed": True})
            elif mark is None or version == 2:
                started = int(window.now.timestamp() * 1000) - MARGIN_MS
                yield self._notes({**context, **_part(started, mark, decided=f"decided:{ask}" in cursor)})

    def _notes(self, context: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Fetch:
        ask, version = context["ask"], context["version"]
        query = {("invitation" if "/-/" in ask else "content.venueid"): ask}
        if version == 1:
            query["details"] = "directReplies"
        query |= {"sort": "id", "limit": str(PAGE_SIZE[version])}
        if context["mark"] is not None:
            query["mintmdate"] = str(context["mark"])
        if context["after"]:
            query["after"] = context["after"]
        return Fetch(
            url=f"{self._api[version]}/notes?{urlencode(query, safe='/')}",
            kind="api",
            context=context,
            headers=headers or {},
            priority=-5 if context["after"] else 0,
            can_wait=bool(context["after"]),
        )

    # ---- what came back ---------------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """A token, with which the notes are asked; or one page of notes, and the next one."""
        answer = _json(page)
        if page.fetch.context["step"] == "notes":
            return self._parse_notes(page, answer)
        return self._parse_login(page, answer)

    def _parse_login(self, page: Page, answer: Mapping[str, Any]) -> Iterator[Output]:
        token = answer.get("token")
        if not isinstance(token, str) or not token:
            # https://docs.openreview.net: an account can ask for a second factor, which a program does not have
            yield Notice(
                text="OpenReview took the login but gave no token: does the account ask for a second factor?", lost=True
            )
            return
        for fetch in page.fetch.context["wanted"]:
            yield replace(fetch, headers={"Authorization": f"Bearer {token}"})

    def _parse_notes(self, page: Page, answer: Mapping[str, Any]) -> Iterator[Output]:
        context = dict(page.fetch.context)
        notes = answer.get("notes")
        if not isinstance(notes, list):
            raise PageError("OpenReview: an answer without notes")
        if not context["after"] and isinstance(answer.get("count"), int):
            context["total"] = answer["count"]
        named = [note["id"] for note in notes if isinstance(note, Mapping) and isinstance(note.get("id"), str)]
        context["decided"] = context["decided"] or _decided(context, notes)
        context["seen"] += len(notes)
        for note in notes:
            output = _read(note, context)
            if output is None:
                context["left_out"] += 1
            else:
                yield output
        full = len(notes) == PAGE_SIZE[context["version"]]
        more = context["seen"] < context["total"] if context["total"] is not None else full
        ask = context["ask"]
        if named and more:
            context["after"] = named[-1]
            yield MoveCursor(values={f"part:{ask}": {key: context[key] for key in _PART}})
            yield self._notes(context, page.fetch.headers)
        else:
            yield from self._finished(context, page.fetch.headers)

    def _finished(self, context: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Output]:
        """The end of a reading: what it lacks, where the next one begins, and which other groups it calls for."""
        ask, seen, total, mark = context["ask"], context["seen"], context["total"], context["mark"]
        if total is not None and seen < total:  # private notes may be counted and not shown: it is not asked for ever
            again = context["short"] != seen
            more = "the next run asks again" if again else "twice so, and taken as all that is shown"
            yield Notice(text=f"{ask}: {seen:,} notes came of {total:,} ({more})", lost=again)
            if again:
                yield MoveCursor(values={f"part:{ask}": None, f"short:{ask}": seen})
                return
        if mark is None and seen and not context["resumed"]:
            yield Expect(what=ask, count=(total or seen) - context["left_out"])
        if context["left_out"]:
            left_out = f"{context['left_out']:,} notes left out"
            yield Notice(text=f"{ask}: {left_out}, imports from elsewhere (dblp, ORCID) or replies")
        moves: dict[str, Any] = dict.fromkeys((f"part:{ask}", f"todo:{ask}", f"short:{ask}"))
        if "/-/" in ask and context["decided"]:
            moves[f"decided:{ask}"] = True
        if ask.endswith(DECIDED_GROUPS):
            yield MoveCursor(values=moves)
            return
        if seen or mark is not None:
            moves[f"mark:{ask}"] = context["started"]
        else:
            yield Notice(text=f"{ask}: no papers yet")
        if ask == context["venue"] and "/-/" not in ask and mark is None:
            if seen:
                groups = self._moved(context)
                if groups:
                    moves |= {f"mark:{ask}/Submission": None, f"part:{ask}/Submission": None}
                    moves |= {f"todo:{group['ask']}": True for group in groups}
            else:
                groups = [self._under_review(context)]
            for group in groups:
                yield self._notes(group, headers)
        yield MoveCursor(values=moves)

    def _under_review(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing is accepted yet: what was submitted, from where an earlier reading came to."""
        part, mark = context["submitted_part"], context["submitted"]
        known = isinstance(part, Mapping) and (mark is None) == (part["mark"] is None)
        below = part if known else _part(context["started"], mark)
        return {**context, **below, "ask": f"{context['ask']}/Submission", "short": None, "resumed": known}

    def _moved(self, context: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Decisions came out: where that which was read while it was under review may be now."""
        if context["submitted"] is None and context["submitted_part"] is None:
            return []
        fresh = {**context, **_part(context["started"], None, decided=True), "short": None, "resumed": False}
        return [{**fresh, "ask": f"{context['ask']}/{group}"} for group in DECIDED_GROUPS]

    def failed(self, failure: Failure) -> Iterator[Output]:
        """What is lost is asked for again in the next run, from where the reading came to."""
        logged_in = "Authorization" in failure.fetch.headers
        if failure.fetch.context["step"] == "login":
            check = f"; check {USER} and {PASSWORD}" if 400 <= failure.status < 500 else ""
            yield Notice(text=f"the login at OpenReview failed ({failure.problem}){check}", lost=True)
        elif failure.status == 403 and b"ChallengeRequired" in failure.body:
            text = "OpenReview demands a challenge (HTTP 403 ChallengeRequiredError)"
            if logged_in:
                text += " although the login was accepted"
            else:
                text += f" from servers without a login: set {USER} and {PASSWORD}"
            yield Notice(text=text, lost=True)
        else:
            ask = failure.fetch.context["ask"]
            yield Notice(text=f"{ask} could not be read ({failure.problem}{_said(failure.body)})", lost=True)


def _part(started: int, mark: int | None, *, decided: bool = False) -> dict[str, Any]:
    """The progress of a reading: JSON values that come back in the context, and in the cursor of an unfinished one."""
    return dict(zip(_PART, (started, mark, "", 0, None, 0, decided), strict=True))


def _json(page: Page) -> Mapping[str, Any]:
    try:
        answer = json.loads(page.body)
    except ValueError as exc:
        raise PageError("OpenReview: no JSON") from exc
    if not isinstance(answer, dict):
        raise PageError(f"OpenReview: a {type(answer).__name__}, not an object")
    return answer


def _said(body: bytes) -> str:
    """What an error answer says: `: NotFoundError: The Invitation ... was not found`."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    texts = [answer.get(key) for key in ("name", "message")] if isinstance(answer, dict) else []
    return "".join(f": {clean(text)[:160]}" for text in texts if isinstance(text, str))


def _year_of(venue: str) -> int | None:
    year = _YEAR.search(venue)
    return int(year[1]) if year else None


# ---- one note ---------------------------------------------------------------------------------------------------------


def _read(note: Any, context: Mapping[str, Any]) -> PaperRecord | BadRecord | None:
    """A submission; None for what is none of the venue: an import from elsewhere, a reply, a deleted note."""
    where = str(note.get("id") or "a note without an id") if isinstance(note, Mapping) else "an entry"
    try:
        return _record(note, context)
    except (ValueError, MalformedId, OverflowError, OSError) as exc:
        return BadRecord(source=SOURCE, where=f"{context['ask']} {where}"[:200], problem=str(exc))


def _record(note: Any, context: Mapping[str, Any]) -> PaperRecord | None:
    if not isinstance(note, Mapping) or not isinstance(note.get("content"), Mapping):
        raise ValueError("no note with a content")
    own = text_of(note, "id")
    forum = text_of(note, "forum") or own
    venue = context["venue"].partition("/-/")[0]
    if (own and forum != own) or note.get("ddate") or not _belongs(note, venue):
        return None
    content = note["content"]
    paper_id = PaperId("openreview", forum)
    accepted, status = _status(note, venue, decided=context["decided"])
    when = next((d for key in ("odate", "pdate", "cdate", "tcdate") if (d := _day(note, key))), None)
    return PaperRecord(
        source=SOURCE,
        source_id=forum,
        title=_text(content, "title"),
        ids=(paper_id,),
        abstract=_text(content, "abstract"),
        authors=_authors(content),
        year=(_year_of(venue) or (when.year if when else None)) if accepted else None,
        published=when,
        updated=_day(note, "mdate"),
        venue=short_venue(venue) if accepted else "",
        venue_status=status,
        url=url_of(paper_id),
        comment="" if accepted else _text(content, "venue"),
        keywords=_keywords(content),
        code_urls=_code(content),
    )


def _value(content: Mapping[str, Any], key: str) -> Any:
    """Version 2 wraps values, version 1 does not."""
    value = content.get(key)
    return value.get("value") if isinstance(value, Mapping) else value


def _text(content: Mapping[str, Any], key: str) -> str:
    return text_of({key: _value(content, key)}, key)


def _day(note: Mapping[str, Any], key: str) -> date | None:
    """The UTC day of a time in milliseconds."""
    value = number_of(note, key)
    if value is None:
        return None
    return datetime.fromtimestamp(value / 1000, UTC).date()


def _authors(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Names; none while they are hidden. Newer venues have objects in their place."""
    value = _value(content, "authors")
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ValueError(f"authors are a {type(value).__name__}, not a list")
    names: list[str] = []
    for author in value:
        name = (author.get("fullname") or author.get("name")) if isinstance(author, Mapping) else author
        if not isinstance(name, str):
            raise ValueError("an author without a name")
        names.append(name)
    return tuple(name for name in names if name.strip().lower() != "anonymous")


def _keywords(content: Mapping[str, Any]) -> tuple[str, ...]:
    value = _value(content, "keywords")
    if isinstance(value, str):
        value = re.split(r"[,;]", value)
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _code(content: Mapping[str, Any]) -> tuple[str, ...]:
    found = [_value(content, key) for key in content if isinstance(key, str) and key.lower() in _CODE_FIELDS]
    return tuple(
        dict.fromkeys(u.strip() for u in found if isinstance(u, str) and u.startswith(("https://", "http://")))
    )


def _invitations(note: Mapping[str, Any]) -> list[str]:
    several = note.get("invitations")
    one = note.get("invitation")
    return [i for i in (*(several if isinstance(several, list) else ()), one) if isinstance(i, str)]


def _belongs(note: Mapping[str, Any], venue: str) -> bool:
    """Whether it was submitted to the venue, rather than imported into OpenReview from dblp, ORCID or by its author."""
    content, invitations = note["content"], _invitations(note)
    if any(_IMPORTED.match(i) for i in invitations) or _text(content, "venue").startswith("CoRR"):
        return False
    named = [_text(content, "venueid")] if _text(content, "venueid") else [*invitations, text_of(note, "domain")]
    return any(name.lower() == venue.lower() or name.lower().startswith(f"{venue.lower()}/") for name in named)


def _decided(context: Mapping[str, Any], notes: Sequence[Any]) -> bool:
    """Whether decisions are out: the venue's year is over, or something on the page is accepted."""
    venue = context["venue"].partition("/-/")[0]
    year = _year_of(venue)
    if year is not None and year < context["this_year"]:
        return True
    for note in notes:
        try:
            if _belongs(note, venue) and _status(note, venue, decided=False)[0]:
                return True
        except (ValueError, KeyError, AttributeError, TypeError):
            continue  # counted as a bad record when it is read
    return False


def _status(note: Mapping[str, Any], venue: str, *, decided: bool) -> tuple[bool, str]:
    """Whether it is accepted, and as what: `ICLR 2025 Poster`; else submitted, rejected, withdrawn or desk-rejected."""
    content = note["content"]
    text, group = _text(content, "venue"), _text(content, "venueid")
    says = f"{group.rpartition('/')[2]} {text} {text_of(note, 'invitation').rpartition('/')[2]}".lower()
    if "desk" in says and "reject" in says:
        return False, "desk-rejected"
    if "withdraw" in says:
        return False, "withdrawn"
    if "rejected_submission" in says or text.lower().startswith("rejected"):
        return False, "rejected"
    decision = _decision(note) if not text or text.lower().startswith("submitted to") else ""
    if "reject" in decision.lower():
        return False, "rejected"
    short = " ".join(part for part in (short_venue(venue), str(_year_of(venue) or "")) if part)
    if "workshop track" in decision.lower():
        return True, f"{short} workshop"
    if decision.lower().startswith("accept"):
        kind = re.sub(r"(?i)accept(?:ed)?|[^\w%. ]", " ", decision)
        return True, _tidy(f"{short} {kind}", venue)
    waiting = text.lower().startswith(("submitted to", "under review")) or group.lower().endswith("/submission")
    if waiting or (not text and group.lower() != venue.lower()):
        return False, "rejected" if decided and waiting else "submitted"
    return True, _tidy(text or short, venue)


def _tidy(text: str, venue: str) -> str:
    text = _PRESENTATION.sub(lambda m: m[0].capitalize(), clean(text))
    return f"{text} workshop" if "/workshop" in venue.lower() and "workshop" not in text.lower() else text


def _decision(note: Mapping[str, Any]) -> str:
    """Version 1 keeps decisions in replies: `Accept (Poster)` in a Decision, a Meta_Review (2019) or Acceptance."""
    details = note.get("details")
    replies = details.get("directReplies") if isinstance(details, Mapping) else None
    for reply in replies if isinstance(replies, list) else ():
        if not isinstance(reply, Mapping) or not any(_DECISION.search(i) for i in _invitations(reply)):
            continue
        content = reply.get("content")
        if not isinstance(content, Mapping):
            continue
        for key in ("decision", "recommendation"):
            value = _value(content, key)
            if isinstance(value, str) and value.strip():
                return value.strip()
    return ""


def from_config(options: Options, secrets: Secrets) -> OpenReviewSource:
    """The source out of [sources.openreview]. Raises ConfigError; SourceOff for half of a login."""
    known = ("venues", "v1", "v2", "api_url", "api_v1_url")
    table = Table("sources.openreview", options, known)
    user, password = secrets.get(USER, ""), secrets.get(PASSWORD, "")
    if bool(user) != bool(password):
        raise SourceOff(f"needs {PASSWORD if user else USER} beside {USER if user else PASSWORD}")
    forced = {key: table.texts(key, venue_id) if key in table.options else [] for key in ("v1", "v2")}
    return OpenReviewSource(
        table.texts("venues", venue_id),
        v1=forced["v1"],
        v2=forced["v2"],
        user=user,
        password=password,
        **table.keywords({"api": "api_url", "api_v1": "api_v1_url"}),
    )
