"""The JSON API: the same questions as on the command line, with the same answers. With a token, also the library's marks."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.api import parameters
from app.api.parameters import Parameter
from app.api.problems import problem
from app.api.shared import Shared
from app.services import Services, paper_json
from app.shapes import answer_json, areas_json, events_json, feed_json, paper_document
from app.wiring import VERSION, Frontier
from data.errors import FrontierError
from data.library import mark, unmark
from data.watching import EVENT_KINDS, events

TOKEN = "FRONTIER_API_TOKEN"  # noqa: S105  the name of the variable, not what is in it


def search_parameters(areas: Mapping[str, object]) -> list[Parameter]:
    """What a search may be asked for."""
    return [
        Parameter(name="q", about="The query, as 'frontier search' takes it.", required=True),
        Parameter(name="like", about="The id of a paper to be near to; not with mode=keyword.", many=True),
        Parameter(name="not", about="A text to be away from; not with mode=keyword."),
        Parameter(name="since", about="Only papers from this day on.", kind="day"),
        Parameter(name="until", about="Only papers up to this day.", kind="day"),
        Parameter(name="area", about="Only papers of this focus area.", many=True, choices=tuple(areas)),
        Parameter(name="venue", about="Only papers of this venue, such as CVPR.", many=True),
        Parameter(name="category", about="Only papers of this arXiv category, such as cs.LG.", many=True),
        Parameter(name="source", about="Only papers that this source has sighted.", many=True),
        Parameter(name="dataset", about="Only papers that use or announce this data set.", many=True),
        Parameter(
            name="mode",
            about="By meaning and words, by meaning, or by words.",
            choices=("hybrid", "semantic", "keyword"),
            default="hybrid",
        ),
        Parameter(name="k", about="How many.", kind="whole", default=10),
    ]


def feed_parameters(areas: Mapping[str, object]) -> list[Parameter]:
    """What the ranked day may be asked for."""
    return [
        Parameter(name="area", about="Only this focus area.", choices=tuple(areas)),
        Parameter(name="day", about="The day to rank; the latest that has papers, unless told.", kind="day"),
        Parameter(name="since", about="From this day up to the day.", kind="day"),
        Parameter(name="k", about="How many.", kind="whole", default=20, most=500),
    ]


EVENT_PARAMETERS = [
    Parameter(name="new", about="Only those that were not told before.", kind="flag", default=False),
    Parameter(name="since", about="Only from this day on.", kind="day"),
    Parameter(name="kind", about="Only of this kind.", many=True, choices=EVENT_KINDS),
    Parameter(name="k", about="How many: the first new ones, or the last of all.", kind="whole", default=50, most=1000),
]


class Api:
    """The endpoints. They run in threads; none of them asks the network anything."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._frontier: Frontier = shared.frontier
        self.search_parameters = search_parameters(self._frontier.config.areas)
        self.feed_parameters = feed_parameters(self._frontier.config.areas)

    def search(self, request: Request) -> Response:
        """As `frontier search --json`; `note` says what could not be done as asked."""
        asked = parameters.read(request, self.search_parameters)
        with self._shared.services() as s:
            where = s.filter(
                since=asked["since"],
                until=asked["until"],
                areas=asked["area"],
                venues=asked["venue"],
                categories=asked["category"],
                sources=asked["source"],
                datasets=asked["dataset"],
            )
            answer = s.search(
                asked["q"], mode=asked["mode"], where=where, k=asked["k"], like=asked["like"], unlike=asked["not"] or ""
            )
            return JSONResponse({**answer_json(answer), "note": answer.note})

    def feed(self, request: Request) -> Response:
        """As `frontier feed --json`."""
        asked = parameters.read(request, self.feed_parameters)
        with self._shared.services() as s:
            found = s.feed(day=asked["day"], since=asked["since"], area=asked["area"] or "", k=asked["k"])
            return JSONResponse(feed_json(s, replace(found, ranked=s.explained(found.ranked))))

    def paper(self, request: Request) -> Response:
        """As `frontier show --json`; never fetches."""
        parameters.read(request, ())
        with self._shared.services() as s:
            return JSONResponse(paper_document(s, request.path_params["id"]))

    def events(self, request: Request) -> Response:
        """As `frontier events --json`, but marks nothing as told."""
        asked = parameters.read(request, EVENT_PARAMETERS)
        with self._shared.services() as s:
            found = events(s.reader, told=not asked["new"], since=asked["since"], kinds=asked["kind"], limit=asked["k"])
            return JSONResponse(events_json(s, found))

    def areas(self, request: Request) -> Response:
        """The focus areas."""
        parameters.read(request, ())
        with self._shared.services() as s:
            return JSONResponse(areas_json(s))

    def mark(self, request: Request, kind: str) -> Response:
        """Do something with a paper (POST), or take it back (DELETE), as the command of that name does."""
        if answer := self._unauthorised(request):
            return answer
        parameters.read(request, ())
        undo = request.method == "DELETE"
        with self._shared.services() as s:
            paper_id = s.reader.lookup(request.path_params["id"])
            with closing(self._frontier.open_store()) as store:
                if undo:
                    changed = unmark(store, [paper_id], kind)
                else:
                    changed = mark(store, [paper_id], kind, now=self._frontier.now())
            return JSONResponse({"kind": kind, "undo": undo, "paper": _short(s, paper_id, changed=bool(changed))})

    def _unauthorised(self, request: Request) -> Response | None:
        """Why a request may not write; None when it may. Bearer tokens: RFC 6750."""
        wanted = self._frontier.environment.get(TOKEN, "")
        if not wanted:
            return problem(403, f"this server takes no marks: it runs without {TOKEN}")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted.encode()):
            return None
        return problem(401, f"send the server's {TOKEN} as a bearer token", headers={"WWW-Authenticate": "Bearer"})

    def health(self, request: Request) -> Response:
        """Whether the store can be read, and when sources were asked last. 503 when it cannot be read."""
        parameters.read(request, ())
        said: dict[str, Any] = {"status": "ok", "version": VERSION}
        try:
            with self._shared.services() as s:
                runs = s.reader.source_runs()
                said["papers"] = s.reader.count()
        except FrontierError as error:
            return JSONResponse({**said, "status": "failed", "problem": str(error)}, 503)
        last = max((run.started_at for run in runs), default=None)
        said["last_run"] = _run_json(last, self._frontier.now()) if last else None
        return JSONResponse(said)


def _short(s: Services, paper_id: int, *, changed: bool) -> dict[str, Any]:
    [paper] = s.reader.papers([paper_id])
    ids, library = s.reader.ids_of([paper_id]), s.library([paper_id])
    return paper_json(paper, ids=ids.get(paper_id, ()), library=library.get(paper_id, ()), changed=changed)


def _run_json(last: datetime, now: datetime) -> dict[str, Any]:
    return {"started_at": last.isoformat(), "age_s": round((now - last).total_seconds())}
