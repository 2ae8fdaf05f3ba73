"""The home's own key, made once, and what is derived from it: what signs votes, and the secret addresses of feeds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from data.errors import FrontierError

if TYPE_CHECKING:
    from app.wiring import Home

KEY_BYTES = 32
_TOKEN_BYTES = 24  # of an HMAC-SHA256, which may be cut (RFC 2104, section 5); 32 characters


def signing_key(home: Home) -> bytes:
    """The home's key, made when there is none yet: a file that nobody else may read. Whoever else makes one at the same
    moment gets the same. Raises FrontierError when it cannot be read or written, or is none."""
    path = home.folder / "key"
    try:
        if not path.exists():
            home.folder.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f"key.{secrets.token_hex(8)}")
            try:
                with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(secrets.token_hex(KEY_BYTES) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(FileExistsError):
                    os.link(aside, path)
            finally:
                aside.unlink(missing_ok=True)
        key = bytes.fromhex(path.read_text("ascii"))
    except OSError as exc:
        raise FrontierError(f"{path}: {exc.strerror or exc}", mend="check the folder and its permissions") from exc
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise FrontierError(
            f"{path} is not a key",
            mend="delete it for a new one; links of votes and feeds that were given out end then",
        )
    return key


def feed_token(home: Home, name: str) -> str:
    """The secret part of a feed's address: always the same for one name in one home, and not to be guessed."""
    digest = hmac.digest(signing_key(home), b"frontier feed " + name.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).decode()
