"""Made-up stores for the dashboard's tests, and a served one for the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.mapping import Region
from tests.app import made_up
from tests.app.homes import Home
from tests.app.made_up_map import frontier_of, lay_out
from tests.app.serving import served


@pytest.fixture(scope="session")
def made_up_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FRONTIER_HOME with papers, threads, runs, areas and an index. Not to be written to."""
    return made_up.fill(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def starter_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FRONTIER_HOME with the starter set only, as a first run without a network leaves it."""
    return made_up.starter_only(tmp_path_factory.mktemp("starter"))


@pytest.fixture
def own_home(tmp_path: Path) -> Path:
    """A home that may be written to."""
    return made_up.fill(tmp_path, with_hostile=False)


@pytest.fixture
def own_url(own_home: Path) -> Iterator[str]:
    """The dashboard over it."""
    with served(own_home) as url:
        yield url


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Callable[[str], Home]]:
    made: dict[str, Home] = {}

    def home(name: str) -> Home:
        if name not in made:
            made[name] = Home(tmp_path / name)
        return made[name]

    yield home
    for one in made.values():
        one.close()


@pytest.fixture(scope="session")
def dashboard_url(made_up_home: Path) -> Iterator[str]:
    """The dashboard over the made-up store, served by `app.serve` in a process of its own."""
    lay_out(frontier_of(made_up_home), Region(weeks=8))  # else the map page would begin to make one
    with served(made_up_home) as url:
        yield url
