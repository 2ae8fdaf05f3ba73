from __future__ import annotations

import pytest

from data.config import AreaConfig, parse
from data.errors import ConfigError, UnknownArea
from data.seeds import defaults
from ranking.areas import expand, leaf_areas, top_areas, with_parents

SHIPPED = parse({}, defaults()).areas


def test_the_shipped_areas_are_the_roadmaps() -> None:
    assert top_areas(SHIPPED) == ("architectures", "optimizers", "learning", "datasets")
    assert leaf_areas(SHIPPED) == ("architectures", "optimizers", "rl", "generative", "datasets")
    assert expand(SHIPPED, "learning") == ("rl", "generative")
    assert expand(SHIPPED, "rl") == ("rl",)


def test_an_unknown_area_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownArea, match=r"unknown area 'vision'.*architectures, datasets"):
        expand(SHIPPED, "vision")


def test_an_area_with_lanes_is_the_larger_of_them() -> None:
    assert with_parents(SHIPPED, {"rl": 0.2, "generative": 0.7})["learning"] == 0.7
    assert "learning" not in with_parents(SHIPPED, {"datasets": 0.7})


@pytest.mark.parametrize(
    ("lanes", "problem"), [(("nowhere",), "no area 'nowhere'"), (("learning",), "has lanes of its own")]
)
def test_lanes_that_cannot_be(lanes: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse({"areas": {"mine": {"lanes": list(lanes)}}}, defaults())


def test_an_area_of_ones_own_needs_a_description() -> None:
    assert "robotics" in leaf_areas(parse({"areas": {"robotics": {"description": "Robots."}}}, defaults()).areas)
    with pytest.raises(ConfigError, match="needs a description"):
        parse({"areas": {"robotics": {"keywords": ["arm"]}}}, defaults())
    assert AreaConfig(description="x").lanes == ()
