"""Repositories in texts: every spelling gives one address, pages of the hosts give none."""

from __future__ import annotations

import time

import pytest

from data.code_links import code_urls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Code: https://github.com/ada/penguins.", ["https://github.com/ada/penguins"]),
        ("at github.com/ada/penguins, and", ["https://github.com/ada/penguins"]),
        ("(http://www.GitHub.com/Ada/Penguins.js/)", ["https://github.com/Ada/Penguins.js"]),
        ("\\url{https://github.com/ada/ice\\_cap}", ["https://github.com/ada/ice_cap"]),
        ("git clone https://github.com/ada/penguins.git", ["https://github.com/ada/penguins"]),
        ("https://github.com/ada/penguins/tree/main/ice#top", ["https://github.com/ada/penguins"]),
        ("https://github.com/ada/penguins/blob/main/a.py?x=1", ["https://github.com/ada/penguins"]),
        ("[code](https://github.com/ada/a) https://github.com/Ada/A", ["https://github.com/ada/a"]),
        ("https://gitlab.com/ice/lab/melt/-/tree/main", ["https://gitlab.com/ice/lab/melt"]),
        ("https://gitlab.com/ice/melt/blob/main", ["https://gitlab.com/ice/melt"]),
        ("https://bitbucket.org/ada/melt/src/main and codeberg.org/ada/floe",
         ["https://bitbucket.org/ada/melt", "https://codeberg.org/ada/floe"]),
        ("https://huggingface.co/ice-lab/penguin-7b/resolve/main", ["https://huggingface.co/ice-lab/penguin-7b"]),
        ("hf.co/datasets/ice-lab/floes; https://huggingface.co/spaces/ada/demo",
         ["https://huggingface.co/datasets/ice-lab/floes", "https://huggingface.co/spaces/ada/demo"]),
        ("https://huggingface.co/papers/2603.01001 huggingface.co/docs/hub huggingface.co/datasets/floes", []),
        ("https://gist.github.com/ada/0123 https://github.com/orgs/ice/people github.com/topics/ice", []),
        ("https://github.com/sponsors/ada https://github.com/ada github.com/ features/x", []),
        ("https://ada.github.io/penguins https://notgithub.com/ada/penguins me@github.com/a/b", []),
        ("https://raw.githubusercontent.com/ada/penguins/main/a https://x.org/github.com/a/b", []),
        ("https://github.com/ada/... github.com/./x", []),
        ("", []),
    ],
)  # fmt: skip
def test_table(text, expected):
    assert list(code_urls(text)) == expected


@pytest.mark.parametrize(
    "piece", ["github.com/", "https://github.com/a/b", "a/", "\\_", "github.com/a" + "." * 90, "."]
)
def test_linear(piece):
    started = time.process_time()
    code_urls(piece * (2_000_000 // len(piece)))
    assert time.process_time() - started < 5
