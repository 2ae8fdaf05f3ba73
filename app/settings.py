"""Writes `frontier.toml` without losing what the user wrote there: comments, order, and every key that is not changed.

A file is read whole, changed key by key, checked as Frontier would read it, written aside and renamed into place. What
is written must say exactly what was asked for and nothing else: if not (a form of TOML that cannot be edited in place),
nothing is written. A file that somebody else changed since it was read is left as it is.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Table

from data.config import parse
from data.errors import ConfigError
from data.locks import hold
from data.seeds import defaults

Key = tuple[str, ...]
"""Where a value stands: ("ranking", "weights", "novelty")."""

Value = str | int | float | bool | Sequence[str]

_BY_HAND = "edit frontier.toml with a text editor"


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A frontier.toml as it was read. `text` is "" when there is none yet."""

    path: Path
    text: str

    @property
    def table(self) -> dict[str, Any]:
        """What stands in the file itself, without the defaults."""
        return tomllib.loads(self.text)


def read(path: Path) -> SettingsFile:
    """The file as it is now. Raises ConfigError when it is corrupt, or says what Frontier does not understand."""
    file = SettingsFile(path, _text(path))
    _check(file.text)
    return file


def write(file: SettingsFile, changes: Mapping[Key, Value], removed: Sequence[Key] = ()) -> SettingsFile:
    """Give keys new values, take tables or keys away, and return the file as it is then; nothing is written when nothing
    becomes different. Raises ConfigError when the outcome is no valid configuration, or the file is not what was read."""
    wanted = _applied(file.table, changes, removed)
    if wanted == file.table:
        return file
    _parsed(wanted)
    return _saved(file, _edited(file.text, changes, removed), wanted)


def append(file: SettingsFile, key: Key, rows: Sequence[Mapping[str, Value]]) -> SettingsFile:
    """Put tables at the end of an array of tables, which begins with them where there is none, and return the file as it is
    then. Raises ConfigError as `write` does."""
    if not rows:
        return file
    wanted = deepcopy(file.table)
    place = wanted
    for name in key[:-1]:
        place = place.setdefault(name, {})
    place[key[-1]] = [*place.get(key[-1], []), *({name: _plain(v) for name, v in row.items()} for row in rows)]
    _parsed(wanted)
    return _saved(file, _lengthened(file.text, key, rows), wanted)


def _saved(file: SettingsFile, text: str, wanted: Mapping[str, Any]) -> SettingsFile:
    if not _says(text, wanted):
        raise ConfigError(file.path.name, "this cannot be changed in place the way it is written", mend=_BY_HAND)
    with hold(file.path.parent / "settings.lock"):  # nobody else writes it from a page meanwhile
        if _text(file.path) != file.text:
            raise ConfigError(
                file.path.name,
                "the file has changed since it was read, and nothing was written",
                mend="read it again, then make the change once more",
            )
        _replace(file.path, text)
    return SettingsFile(file.path, text)


# ---- the file --------------------------------------------------------------------------------------------------------


def _text(path: Path) -> str:
    """The file's text with its own line ends."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as exc:
        raise ConfigError(path.name, "not UTF-8 text", mend=_BY_HAND) from exc
    except OSError as exc:
        raise ConfigError(path.name, exc.strerror or str(exc)) from exc


def _check(text: str) -> None:
    """Raises ConfigError for a text that is no TOML, or no configuration."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError("frontier.toml", f"not valid TOML: {exc}", mend=_BY_HAND) from exc
    _parsed(table)


def _says(text: str, table: Mapping[str, Any]) -> bool:
    """Whether a text is TOML that means this table, and nothing else."""
    try:
        return tomllib.loads(text) == table
    except tomllib.TOMLDecodeError:
        return False


def _parsed(table: Mapping[str, Any]) -> None:
    parse(table, defaults())


def _replace(path: Path, text: str) -> None:
    target = path.resolve()  # where the file is a link into a folder of dotfiles, the link stays
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as out:
            out.write(text.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileNotFoundError):
            aside.chmod(target.stat().st_mode & 0o777)
        aside.replace(target)
    except OSError as exc:
        raise ConfigError(path.name, f"cannot be written: {exc.strerror or exc}") from exc
    finally:
        aside.unlink(missing_ok=True)


# ---- the change ------------------------------------------------------------------------------------------------------


def _applied(table: Mapping[str, Any], changes: Mapping[Key, Value], removed: Sequence[Key]) -> dict[str, Any]:
    """What the file is to say."""
    out = deepcopy(dict(table))
    for key, value in changes.items():
        place = out
        for name in key[:-1]:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise ConfigError(".".join(key), f"{name} is no table", mend=_BY_HAND)
        place[key[-1]] = _plain(value)
    for key in removed:
        place = out
        for name in key[:-1]:
            place = place.get(name, {})
        place.pop(key[-1], None)
    return _without_empty(out) if removed else out


def _without_empty(table: dict[str, Any]) -> dict[str, Any]:
    """[areas] is gone with its last area, because only [areas.NAME] named it."""
    if table.get("areas") == {}:
        del table["areas"]
    return table


def _plain(value: Value) -> Any:
    return value if isinstance(value, str | int | float | bool) else list(value)


def _edited(text: str, changes: Mapping[Key, Value], removed: Sequence[Key]) -> str:
    try:
        for key in removed:
            text = _without(text, key)
        document = tomlkit.parse(text)
        new: dict[Key, dict[str, Any]] = {}
        for key, value in changes.items():
            table = _table(document, key[:-1])
            if table is None:
                new.setdefault(key[:-1], {})[key[-1]] = _plain(value)
            else:
                _put(table, key[-1], _plain(value))
        return _appended(tomlkit.dumps(document), new)
    except (TOMLKitError, AttributeError, TypeError, ValueError, IndexError) as exc:  # tomlkit's own limits, too
        raise ConfigError("frontier.toml", f"cannot be changed in place: {exc}", mend=_BY_HAND) from exc


def _table(document: Any, key: Key) -> Any:
    """The table of that name as the file has it, None where it has none."""
    place = document
    for name in key:
        if name not in place:
            return None
        place = place[name]
    return None if isinstance(place, Table) and place.is_super_table() else place


def _put(table: Any, name: str, value: Any) -> None:
    """Set a key: in its place where it is there, else behind the last plain key of its table, above any comment that
    leads to the next table."""
    if name in table:
        old = table[name]
        if isinstance(value, list) and isinstance(old, Array):
            _put_list(old, value)
            if old.unwrap() == value:
                return
        table[name] = _item(value)
        return
    body = table.value.body if isinstance(table, Table) else ()
    plain = [key for key, item in body if key is not None and not isinstance(item, Table | AoT)]
    if plain:
        table.value._insert_after(plain[-1], name, _item(value))
    else:
        table[name] = _item(value)


def _put_list(old: Array, wanted: Sequence[str]) -> None:
    """Take out what is gone and append what is new, so that the comments beside what stays are kept."""
    for place in range(len(old) - 1, -1, -1):
        if old[place] not in wanted:
            del old[place]
    for value in wanted:
        if value not in old:
            old.append(value)


def _item(value: Any) -> Any:
    if isinstance(value, str) and "\n" in value and "'''" not in value:
        return tomlkit.string(value, multiline=True)
    if isinstance(value, list):
        array = tomlkit.array()
        array.extend(value)
        return array.multiline(sum(len(str(v)) for v in value) > 60)
    return tomlkit.item(value)


def _appended(text: str, tables: Mapping[Key, Mapping[str, Any]]) -> str:
    """New tables go to the end of the file: what stands there keeps its place, and every comment what it is about."""
    for key, values in tables.items():
        table = tomlkit.table()
        for name, value in values.items():
            table.add(name, _item(value))
        head = ".".join(tomlkit.key(name).as_string() for name in key)
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        added = f"{gap}[{head}]\n{table.as_string()}"
        text += added.replace("\n", "\r\n") if "\r\n" in text else added
    return text


def _lengthened(text: str, key: Key, rows: Sequence[Mapping[str, Value]]) -> str:
    """The text with more tables of an array: in its brackets where it is written so, else each under a [[head]] at the end."""
    try:
        place: Any = tomlkit.parse(text)
        for name in key:
            place = place.get(name) if hasattr(place, "get") else None
        if isinstance(place, Array):
            return _in_brackets(text, key, rows)
    except (TOMLKitError, AttributeError, TypeError, ValueError, IndexError) as exc:
        raise ConfigError("frontier.toml", f"cannot be changed in place: {exc}", mend=_BY_HAND) from exc
    head = ".".join(tomlkit.key(name).as_string() for name in key)
    added = "" if not text or text.endswith("\n") else "\n"
    for row in rows:
        table = tomlkit.table()
        for name, value in row.items():
            table.add(name, _item(_plain(value)))
        added += f"\n[[{head}]]\n{table.as_string()}"
    return text + (added.replace("\n", "\r\n") if "\r\n" in text else added)


def _in_brackets(text: str, key: Key, rows: Sequence[Mapping[str, Value]]) -> str:
    document = tomlkit.parse(text)
    place: Any = document
    for name in key:
        place = place[name]
    for row in rows:
        table = tomlkit.inline_table()
        table.update({name: _plain(value) for name, value in row.items()})
        place.append(table)
    return tomlkit.dumps(document)


def _without(text: str, key: Key) -> str:
    """The text without a table. What stands behind its last key, a blank line before it, is about what comes next: it stays."""
    name = r"\s*\.\s*".join(f"(?:{re.escape(part)}|\"{re.escape(part)}\"|'{re.escape(part)}')" for part in key)
    lines = text.splitlines(keepends=True)
    start = next((n for n, line in enumerate(lines) if re.match(rf"\s*\[\s*{name}\s*\]", line)), None)
    if start is None:
        raise ValueError(f"no [{'.'.join(key)}] of its own")
    following = (n for n in range(start + 1, len(lines)) if _is_head(lines, start, n))
    end = next(following, len(lines))
    last = max(
        (n for n in range(start + 1, end) if lines[n].strip() and not lines[n].lstrip().startswith("#")), default=start
    )
    kept = next((n for n in range(last + 1, end) if not lines[n].strip()), end)
    return "".join(lines[:start] + lines[kept:]).lstrip("\r\n" if not start else "")


def _is_head(lines: Sequence[str], start: int, n: int) -> bool:
    """Whether line `n` begins a table: it looks so, and what stands before it since `start` is whole (no text of many
    lines and no list is open)."""
    if not re.match(r"\s*\[{1,2}\s*[\w\"'][^\]]*\]{1,2}\s*(#.*)?$", lines[n].rstrip("\r\n")):
        return False
    with suppress(tomllib.TOMLDecodeError):
        tomllib.loads("".join(lines[start:n]))
        return True
    return False
