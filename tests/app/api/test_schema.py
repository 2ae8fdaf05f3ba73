"""schemathesis asks the API what its description allows, and what it forbids; every answer must be as described."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import GenerationMode

from app.api.server import application
from data.library import MARKS
from tests.app import made_up
from tests.app.api.conftest import TOKEN, frontier_of

pytestmark = pytest.mark.long

HEADERS = {"Authorization": f"Bearer {TOKEN}", "Host": "localhost"}
OPERATIONS = [
    "GET /api/search", "GET /api/feed", "GET /api/papers/{id}", "GET /api/events", "GET /api/areas", "GET /health",
    *(f"{method} /api/papers/{{id}}/{kind}" for kind in MARKS for method in ("POST", "DELETE")),
]  # fmt: skip


NO_WRONG = ("GET /api/papers/{id}", "GET /api/areas", "GET /health")
"""Where nothing can be asked that the description forbids."""


@pytest.fixture(scope="module")
def operations(tmp_path_factory):
    home = made_up.fill(tmp_path_factory.mktemp("schema"))
    schema = schemathesis.openapi.from_asgi("/openapi.json", application(frontier_of(home)), headers=HEADERS)
    found = [result.ok() for result in schema.get_all_operations()]
    return {operation.label: operation for operation in found}


def test_all_of_them_are_asked(operations):
    assert sorted(operations) == sorted(OPERATIONS)


@pytest.mark.parametrize(
    ("label", "mode"),
    [(label, mode) for mode in GenerationMode for label in OPERATIONS if mode.is_positive or label not in NO_WRONG],
    ids=str,
)
def test_every_answer_is_as_described(operations, label, mode):
    operation = operations[label]

    @settings(
        max_examples=8 if label.startswith("GET") else 4, derandomize=True, deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        query = case.query or {}
        assume(
            mode.is_negative or query.get("mode") != "keyword" or not {"like", "not"} & set(query)
        )  # is refused: 400
        case.call_and_validate(headers=HEADERS)

    ask()
