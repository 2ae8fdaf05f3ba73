"""The application of `frontier serve` over made-up homes, asked without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.api.server import application
from app.wiring import Frontier
from tests.app.made_up import NOW

TOKEN = "a-made-up-token"


def frontier_of(home: Path, **environment: str) -> Frontier:
    return Frontier(
        {"FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat(), "FRONTIER_API_TOKEN": TOKEN, **environment}
    )


@pytest.fixture(scope="session")
def reading(made_up_home: Path) -> Iterator[TestClient]:
    """A client of a server over the made-up home, which is not to be written to."""
    with TestClient(application(frontier_of(made_up_home)), base_url="http://localhost") as client:
        yield client


@pytest.fixture
def serve() -> Iterator[Callable[[Frontier], TestClient]]:
    """Makes clients of servers over homes."""
    with ExitStack() as stack:

        def served(frontier: Frontier) -> TestClient:
            client = TestClient(application(frontier), base_url="http://localhost", follow_redirects=False)
            return stack.enter_context(client)

        yield served


@pytest.fixture
def frontier(request: pytest.FixtureRequest, own_home: Path) -> Frontier:
    """Over a home of the test's own, with what the module's CONFIG says."""
    (own_home / "frontier.toml").write_text(request.module.CONFIG, "utf-8")
    return frontier_of(own_home)


@pytest.fixture
def client(frontier: Frontier, serve: Callable[[Frontier], TestClient]) -> TestClient:
    return serve(frontier)
