"""The API's own description (OpenAPI 3.1, https://spec.openapis.org/oas/v3.1.1). Tests hold the answers to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.api.answers import EVENT_PARAMETERS, Api
from app.api.parameters import Parameter
from app.api.problems import MEDIA_TYPE
from app.wiring import VERSION
from data.library import KINDS, MARKS
from data.watching import EVENT_KINDS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_FLAG: Schema = {"type": "boolean"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_DAY: Schema = {"type": ["string", "null"], "format": "date"}
_ANYTHING: Schema = {"type": "object"}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _map(of: Schema) -> Schema:
    return {"type": "object", "additionalProperties": of}


def _object(**properties: Schema) -> Schema:
    """An object with exactly these members."""
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_PAPER: dict[str, Schema] = {
    "id": {"type": "string", "description": "The printed id, such as arxiv:2107.05580."},
    "ids": _list(_TEXT),
    "short": {"type": "string", "description": "The short key, such as p123."},
    "title": _TEXT,
    "authors": _list(_TEXT),
    "year": {"type": ["integer", "null"]},
    "venue": _TEXT,
    "status": _TEXT,
    "track": _TEXT,
    "venue_basis": _TEXT,
    "awards": _list(_TEXT),
    "published": _DAY,
    "day": {**_DAY, "description": "When it was announced."},
    "date": _DAY,
    "categories": _list(_TEXT),
    "url": _TEXT,
    "library": {**_list({"type": "string", "enum": list(KINDS)}), "description": "What the user did with it."},
}
_NEAR = _or_null(_object(id=_TEXT, title=_TEXT, cosine=_NUMBER))
_REASON = _object(signal=_TEXT, value=_NUMBER, weight=_NUMBER, contribution=_NUMBER, text=_TEXT)
_BECAUSE = _object(
    landmark=_NEAR,
    liked=_NEAR,
    words=_list(_TEXT),
    heard=_list(_TEXT),
    moved=_or_null(_object(places=_WHOLE, like=_TEXT, why=_TEXT)),
)
_COSINE: Schema = {"type": ["number", "null"]}


def _schemas() -> dict[str, Schema]:
    found = {"score": _NUMBER, "cosine": _COSINE, "area_scores": _map(_NUMBER), "abstract": _TEXT}
    ranked = {
        "score": _NUMBER,
        "area": _TEXT,
        "belongs": _FLAG,
        "interest": _TEXT,
        "area_scores": _map(_NUMBER),
        "signals": _map(_NUMBER),
        "mentions": _WHOLE,
        "reasons": _list(_REASON),
        "because": _BECAUSE,
        "abstract": _TEXT,
    }
    detail = {
        "abstract": _TEXT,
        "comment": _TEXT,
        "journal_ref": _TEXT,
        "keywords": _list(_TEXT),
        "code_urls": _list(_TEXT),
        "note": _TEXT,
        "version": {"type": ["integer", "null"]},
        "withdrawn": _FLAG,
        "area_scores": _map(_NUMBER),
        "score": {"type": ["number", "null"]},
        "reasons": _list(_REASON),
        "because": _or_null(_BECAUSE),
        "sightings": _list(_object(source=_TEXT, source_id=_TEXT, day=_DAY, seen_at=_TIME, fields=_ANYTHING)),
        "mentions": _list(
            _object(
                source=_TEXT,
                channel=_TEXT,
                title=_TEXT,
                url=_TEXT,
                author=_TEXT,
                excerpt=_TEXT,
                published_at=_or_null(_TIME),
                signals=_map(_NUMBER),
            )
        ),
        "signals": _list(_object(source=_TEXT, name=_TEXT, at=_TIME, value=_NUMBER)),
        "velocity": _map(_object(per_day=_NUMBER, corrected=_NUMBER, gain=_NUMBER, window_days=_NUMBER)),
        "changes": _list(_object(at=_TIME, source=_TEXT, what=_TEXT, old=_TEXT, new=_TEXT)),
        "cited_by": _list(_object(id=_TEXT, title=_TEXT)),
        "datasets": _list(_object(name=_TEXT, introduces=_FLAG)),
        "neighbours": _list(_object(id=_TEXT, title=_TEXT, cosine=_COSINE)),
    }
    return {
        "Paper": _object(**_PAPER),
        "Search": _object(query=_TEXT, mode=_TEXT, took_ms=_NUMBER, hits=_list(_object(**_PAPER, **found)), note=_TEXT),
        "Feed": _object(
            query=_TEXT,
            mode=_TEXT,
            day=_DAY,
            since=_DAY,
            area={"type": ["string", "null"]},
            total=_WHOLE,
            took_ms=_NUMBER,
            hits=_list(_object(**_PAPER, **ranked)),
        ),
        "Detail": _object(**_PAPER, **detail),
        "Events": _object(
            events=_list(
                _object(
                    id=_WHOLE,
                    kind={"type": "string", "enum": list(EVENT_KINDS)},
                    at=_TIME,
                    text=_TEXT,
                    paper=_or_null(_ref("Paper")),
                    evidence=_ANYTHING,
                    watch=_object(kind=_TEXT, value=_TEXT),
                    told=_FLAG,
                )
            )
        ),
        "Areas": _object(
            areas=_list(
                _object(
                    name=_TEXT,
                    title=_TEXT,
                    description=_TEXT,
                    lanes=_list(_TEXT),
                    landmarks=_list(_TEXT),
                    keywords=_list(_TEXT),
                )
            )
        ),
        "Marked": _object(
            kind={"type": "string", "enum": list(MARKS)}, undo=_FLAG, paper=_object(**_PAPER, changed=_FLAG)
        ),
        "Health": _object(
            status={"type": "string", "const": "ok"},
            version=_TEXT,
            papers=_WHOLE,
            last_run=_or_null(_object(started_at=_TIME, age_s=_WHOLE)),
        ),
        "Unwell": _object(status={"type": "string", "const": "failed"}, version=_TEXT, problem=_TEXT),
        "Problem": {
            "type": "object",
            "description": "https://www.rfc-editor.org/rfc/rfc9457",
            "properties": {"type": _TEXT, "title": _TEXT, "status": _WHOLE, "detail": _TEXT},
            "required": ["type", "title", "status"],
            "additionalProperties": False,
        },
    }


_PROBLEMS = {
    400: "A parameter cannot be read.",
    401: "The bearer token is missing or wrong.",
    403: "The server takes no marks.",
    404: "There is no such paper (or data set).",
    406: "Only JSON is answered.",
    503: "The store, the index or the model cannot be used just now.",
}


def _operation(
    name: str, summary: str, schema: str, *, parameters: Sequence[Schema] = (), problems: Sequence[int] = (400, 503)
) -> Schema:
    answers: Schema = {
        "200": {"description": "Done.", "content": {"application/json": {"schema": _ref(schema)}}},
    }
    for status in sorted({*problems, 406}):
        body = {MEDIA_TYPE: {"schema": _ref("Problem")}}
        answers[str(status)] = {"description": _PROBLEMS[status], "content": body}
    return {"operationId": name, "summary": summary, "parameters": list(parameters), "responses": answers}


def _described(parameters: Sequence[Parameter]) -> list[Schema]:
    return [p.described() for p in parameters]


def description(api: Api, *, server: str = "/") -> Schema:
    """The document, for the areas that are configured. `server` is where the API lies."""
    paper = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "An id such as arxiv:2107.05580 or p123, or a URL of the paper (percent-encoded).",
        "schema": {"type": "string", "minLength": 1},
    }
    health = _operation(
        "health", "Whether the store can be read, and when sources were asked last.", "Health", problems=(400,)
    )
    health["responses"]["503"] = {
        "description": "The store cannot be read.",
        "content": {"application/json": {"schema": _ref("Unwell")}},
    }
    paths: Schema = {
        "/api/search": {
            "get": _operation(
                "search",
                "Search by meaning and by words.",
                "Search",
                parameters=_described(api.search_parameters),
                problems=(400, 404, 503),
            )
        },
        "/api/feed": {
            "get": _operation(
                "feed", "The ranked day, with reasons.", "Feed", parameters=_described(api.feed_parameters)
            )
        },
        "/api/papers/{id}": {
            "get": _operation(
                "paper", "Everything about one paper.", "Detail", parameters=[paper], problems=(400, 404, 503)
            )
        },
        "/api/events": {
            "get": _operation(
                "events", "What happened to what is watched.", "Events", parameters=_described(EVENT_PARAMETERS)
            )
        },
        "/api/areas": {"get": _operation("areas", "The focus areas.", "Areas")},
        "/health": {"get": health},
    }
    for kind in MARKS:
        paths[f"/api/papers/{{id}}/{kind}"] = {
            method: {
                **_operation(name, summary, "Marked", parameters=[paper], problems=(400, 401, 403, 404, 503)),
                "security": [{"token": []}],
            }
            for method, name, summary in (
                ("post", kind, f"As 'frontier {kind}'."),
                ("delete", f"un{kind}", f"As 'frontier {kind} --undo'."),
            )
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Frontier",
            "version": VERSION,
            "description": "The research frontier of deep learning: search, the ranked day, papers, events. Answers have the"
            " shapes of --json on the command line. Reading needs no token.",
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The server's FRONTIER_API_TOKEN."}
            },
        },
    }
