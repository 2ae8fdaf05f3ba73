"""Query parameters: what is asked for, as it is described (OpenAPI 3.1, JSON Schema) and as it is read. Nothing else is taken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from starlette.requests import Request

from data.errors import UsageError

LONGEST = 1000  # characters of one value
MOST = 20
"""Values of a parameter that may be given several times."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.A)
_WHOLE = re.compile(r"-?\d{1,9}", re.A)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter. `many`: it may be given several times, and its value is a tuple. `choices` are all there are."""

    name: str
    about: str
    kind: Literal["text", "whole", "day", "flag"] = "text"
    many: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    least: int = 1
    most: int = 100

    def described(self) -> dict[str, Any]:
        """The parameter in OpenAPI."""
        match self.kind:
            case "whole":
                schema: dict[str, Any] = {"type": "integer", "minimum": self.least, "maximum": self.most}
            case "day":
                schema = {"type": "string", "format": "date"}
            case "flag":
                schema = {"type": "boolean"}
            case _ if self.choices:
                schema = {"type": "string", "enum": list(self.choices)}
            case _:
                schema = {"type": "string", "minLength": 1, "maxLength": LONGEST}
        if self.many:
            schema = {"type": "array", "items": schema, "maxItems": MOST}
        if self.default is not None:
            schema["default"] = self.default
        more = {"style": "form", "explode": True} if self.many else {}
        return {
            "name": self.name, "in": "query", "description": self.about, "required": self.required, "schema": schema, **more,
        }  # fmt: skip

    def read(self, given: Sequence[str]) -> Any:
        """Its value. Raises UsageError."""
        if self.many:
            if len(given) > MOST:
                raise UsageError(f"{self.name}: {len(given)} of them", mend=f"at most {MOST}")
            return tuple(self._one(text) for text in given)
        if len(given) > 1:
            raise UsageError(f"{self.name} is given {len(given)} times", mend="give it once")
        if not given:
            if self.required:
                raise UsageError(f"{self.name} is missing", mend=self.about)
            return self.default
        return self._one(given[0])

    def _one(self, text: str) -> Any:
        match self.kind:
            case "whole":
                if not _WHOLE.fullmatch(text) or not self.least <= int(text) <= self.most:
                    raise self._odd(text, f"a whole number from {self.least} to {self.most}")
                return int(text)
            case "day":
                try:
                    if not _DAY.fullmatch(text):
                        raise ValueError
                    return date.fromisoformat(text)
                except ValueError as exc:
                    raise self._odd(text, "a day as YYYY-MM-DD") from exc
            case "flag":
                if text not in ("true", "false"):
                    raise self._odd(text, "true or false")
                return text == "true"
        if self.choices and text not in self.choices:
            raise self._odd(text, "one of " + ", ".join(self.choices))
        if not text or len(text) > LONGEST:
            raise self._odd(text, f"a text of 1 to {LONGEST} characters")
        return text

    def _odd(self, text: str, wanted: str) -> UsageError:
        return UsageError(f"{self.name}: {text[:80]!r}", mend=f"should be {wanted}")


def read(request: Request, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The values by name. Raises UsageError naming the first that cannot be read, or is none of these."""
    known = {p.name for p in parameters}
    for name in request.query_params:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise UsageError(f"unknown parameter {name[:80]!r}", mend=f"known: {listed}")
    return {p.name: p.read(request.query_params.getlist(p.name)) for p in parameters}
