"""Repositories that a text names: where the code, the model or the data of a paper is."""

from __future__ import annotations

import re

_PART = r"[A-Za-z0-9_.-]{1,100}"
_LINK = re.compile(
    r"(?<![\w.@/-])(?:https?://)?(?:www\.)?"
    rf"(?P<host>github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|huggingface\.co|hf\.co)/+(?P<path>{_PART}(?:/{_PART}){{1,5}})",
    re.A | re.I,
)
_UNESCAPE = re.compile(r"\\([_%#&~-])")  # LaTeX: https://github.com/a/b\_c

_PAGES = (
    "about account apps blog blogs branches business careers collections contact customer-stories dashboard docs"
    " enterprise events explore features gist gists groups help issues join login logos marketplace new notifications"
    " orgs organizations pricing profile projects pulls readme search security settings signup site snippets sponsors"
    " stars team topics trending users workspace -"
)
_PAGES_HF = (
    "api blog chat collections docs enterprise inference-endpoints join learn login models new organizations papers"
    " posts pricing search settings storage support tasks terms-of-service"
)
_NO_OWNERS, _NO_OWNERS_HF = frozenset(_PAGES.split()), frozenset(_PAGES_HF.split())  # pages of the hosts themselves
# what follows a repository in an address of GitLab, which has groups within groups
_VIEWS = frozenset(
    ("-", "blob", "commit", "commits", "issues", "merge_requests", "raw", "releases", "src", "tags", "tree", "wikis")
)


def code_urls(text: str) -> tuple[str, ...]:
    """The repositories that a text names, in order, without doubles: https://HOST/OWNER/NAME, at Hugging Face also
    https://huggingface.co/datasets/OWNER/NAME and spaces/. Never raises; time is linear in the length of the text."""
    if "\\" in text:
        text = _UNESCAPE.sub(r"\1", text)
    found: dict[str, str] = {}
    addresses = " ".join([word for word in text.split() if "." in word and "/" in word])  # few words of most texts
    for match in _LINK.finditer(addresses):
        host = match["host"].lower()
        parts = match["path"].split("/")
        address = _hugging_face(parts) if host in ("huggingface.co", "hf.co") else _forge(host, parts)
        if address:
            found.setdefault(address.lower(), address)
    return tuple(found.values())


def _forge(host: str, parts: list[str]) -> str:
    owner, kept = parts[0], 2
    if owner.lower() in _NO_OWNERS:
        return ""
    if host == "gitlab.com":
        kept = next((n for n, part in enumerate(parts) if n >= 2 and part.lower() in _VIEWS), len(parts))
    names = [_name(part) for part in parts[1:kept]]
    return f"https://{host}/{owner}/{'/'.join(names)}" if all(names) and _owner(owner) else ""


def _hugging_face(parts: list[str]) -> str:
    folder = parts[0].lower()
    if folder in ("datasets", "spaces"):
        parts, prefix = parts[1:], f"{folder}/"
    else:
        prefix = ""
    if len(parts) < 2 or parts[0].lower() in _NO_OWNERS_HF or not _owner(parts[0]):
        return ""
    name = _name(parts[1])
    return f"https://huggingface.co/{prefix}{parts[0]}/{name}" if name else ""


def _owner(name: str) -> bool:
    return name[0] not in ".-" and name[-1] != "."


def _name(part: str) -> str:
    """A repository's name without the sentence's full stop and without the .git of a clone's address; "" for none."""
    name = part.rstrip(".")
    if name.lower().endswith(".git"):
        name = name[:-4].rstrip(".")
    return name if name.strip("._-") else ""
