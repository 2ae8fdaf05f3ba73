"""The home's key: made once, for this user alone; what is derived from it stays the same."""

from __future__ import annotations

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.keys import KEY_BYTES, feed_token, signing_key
from app.wiring import Home
from data.errors import FrontierError


def test_a_key_is_made_once_and_nobody_else_reads_it(tmp_path):
    home = Home(tmp_path / "new" / "home")
    key = signing_key(home)
    assert len(key) == KEY_BYTES
    assert signing_key(home) == key
    assert stat.S_IMODE((home.folder / "key").stat().st_mode) == 0o600
    assert os.listdir(home.folder) == ["key"]
    assert signing_key(Home(tmp_path / "other")) != key


def test_all_who_make_one_at_once_get_the_same(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: signing_key(Home(tmp_path)), range(24)))
    assert len(set(keys)) == 1
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "ab" * 31, "\u00e4" * 32])
def test_what_is_no_key_is_not_used(tmp_path, text):
    (tmp_path / "key").write_text(text, "utf-8")
    with pytest.raises(FrontierError, match="is not a key"):
        signing_key(Home(tmp_path))


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FrontierError, match="file"):
        signing_key(Home(tmp_path / "file" / "home"))


def test_tokens_of_feeds(tmp_path):
    home = Home(tmp_path)
    token = feed_token(home, "area-rl")
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", token)
    assert token == feed_token(home, "area-rl") != feed_token(home, "area-generative")
    assert token != feed_token(Home(tmp_path / "other"), "area-rl")
    assert feed_token(home, "标签")
