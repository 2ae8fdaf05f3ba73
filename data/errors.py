"""The errors Frontier raises on purpose.

    FrontierError                 every expected failure: one clear line, an exit code
    ├── UsageError         2      what was asked for does not exist or cannot be read
    │   ├── MalformedId           a text that is no paper id and no URL of a paper
    │   ├── UnknownSource         a source that is not registered
    │   ├── UnknownArea           a focus area that is neither shipped nor configured
    │   ├── UnknownDataset        a data set that neither ships nor is named by any paper
    │   └── BadDate               a date that is not one
    ├── ConfigError        1      frontier.toml: an unknown key, a wrong type, broken TOML
    ├── InputError         1      a file that cannot be read as what it should be
    ├── UnknownPaper       1      an id that is well formed but not in the store
    ├── IdentityError      1      papers that cannot be joined or parted as asked
    ├── StoreError         1      SQLite: locked, corrupt, disk full, read-only
    ├── VectorIndexError   1      FAISS: torn, of another model, cannot be written
    ├── ArchiveError       1      Milvus or Ray: not there, slow, full, of another version or another schema
    ├── ModelError         1      an encoder that cannot be loaded or is not what it should be
    ├── CrawlError         1      the crawl as a whole could not run
    │   └── PageError             one page could not be read: retried, then counted (never ends a run)
    ├── DeliveryError      1      a mail that was not accepted
    │   ├── NotNow                it was not taken for now, and is tried again later (cron.delivery)
    │   └── MaybeDelivered        the connection ended before the server's last word (cron.delivery)
    ├── VoteRefused        1      a vote that is forged, too old, or of a paper that is gone (data.votes)
    └── AlreadyRunning     1      the daily job runs in another process (cron.daily)

Anything else that reaches the top is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence


class FrontierError(Exception):
    """An expected failure. `str(error)` is the one line shown; `exit_code` is what the process returns."""

    exit_code = 1

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(f"{message} ({mend})" if mend else message)
        self.message = message
        self.mend = mend


class UsageError(FrontierError):
    """Something was asked for that does not exist or cannot be read."""

    exit_code = 2


class MalformedId(UsageError):
    """A text that is no paper id and no URL of a paper; the text is kept in `text`."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"not a paper id: {text[:200]!r}", mend="write it like arxiv:2107.05580, doi:10.1000/x or a paper's URL"
        )
        self.text = text


class _Unknown(UsageError):
    kind = ""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown {self.kind} {name[:80]!r}", mend="known: " + ", ".join(sorted(known)))
        self.name = name


class UnknownSource(_Unknown):
    """A source name that is not registered."""

    kind = "source"


class UnknownArea(_Unknown):
    """A focus area that is neither shipped nor configured."""

    kind = "area"


class UnknownDataset(UsageError):
    """A data set that neither ships nor is named by any paper of the store; `near` are the names spelt most like it."""

    def __init__(self, name: str, near: Sequence[str]) -> None:
        mend = "near it: " + ", ".join(near) if near else "'frontier datasets' lists those there are"
        super().__init__(f"no paper names a data set {name[:80]!r}", mend=mend)
        self.name = name
        self.near = tuple(near)


class BadDate(UsageError):
    """A text that is not a date of the form YYYY-MM-DD (or YYYY, YYYY-MM where a range is meant)."""

    def __init__(self, text: str) -> None:
        super().__init__(f"not a date: {text[:80]!r}", mend="write it as YYYY-MM-DD")
        self.text = text


class ConfigError(FrontierError):
    """The configuration cannot be used; `key` names where."""

    def __init__(self, key: str, problem: str, *, mend: str = "") -> None:
        super().__init__(f"configuration: {key}: {problem}", mend=mend)
        self.key = key


class InputError(FrontierError):
    """A file that cannot be read as what it should be; `path` names it."""

    def __init__(self, path: str, problem: str, *, mend: str = "") -> None:
        super().__init__(f"{path}: {problem}", mend=mend)
        self.path = path


class UnknownPaper(FrontierError):
    """A well-formed id that the store (or what `where` names) does not know."""

    def __init__(self, asked: str, where: str = "the store") -> None:
        super().__init__(f"no paper {asked[:200]} in {where}", mend="crawl or import it first")
        self.asked = asked


class IdentityError(FrontierError):
    """Papers cannot be joined or parted as asked."""


class StoreError(FrontierError):
    """SQLite cannot be used: locked, corrupt, full or read-only."""


class VectorIndexError(FrontierError):
    """The FAISS cache cannot be read or written."""


class ArchiveError(FrontierError):
    """The archive, or the cluster that builds it, cannot be used as asked."""


class ModelError(FrontierError):
    """An encoder cannot be loaded, or is not the model it should be."""


class CrawlError(FrontierError):
    """The crawl as a whole could not run."""


class PageError(CrawlError):
    """One page could not be read as what it should be. The engine retries it, then counts it as lost."""


class DeliveryError(FrontierError):
    """A mail was not accepted."""
