"""LaTeX in titles and abstracts as readable HTML: `$O(n^2)$` becomes O(n<sup>2</sup>), `$\\alpha$` becomes α.

Everything is escaped here, and only the tags i, b, sub, sup and span come out, so that whatever a text holds is safe to
show. It is deliberately less than TeX: one line, no boxes, no macros to define, so no text can grow or move the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_DEEPEST = 12
"""Nested groups that are followed; what is nested deeper is shown as it is."""

# At most 400 characters: a longer formula is more likely two stray dollar signs, and is shown as it is.
# An opening $ has no space behind it, a closing one no space before and no digit behind it, as in Pandoc's Markdown
# (https://pandoc.org/MANUAL.html#math), so that "$5 and $10" is money.
_MATH = re.compile(
    r"(?<!\\)\$\$(?P<display>[^$]{1,400}?)\$\$"
    r"|(?<![\\$])\$(?P<symbol>\s?\\[a-zA-Z]{1,20}\s?)\$"  # "$\sim$3" is a formula all the same
    r"|(?<![\\$])\$(?P<inline>(?!\s)(?:[^$\\]|\\.){1,400}?)(?<!\s)\$(?!\d)"
    r"|\\\((?P<round>.{1,400}?)\\\)|\\\[(?P<square>.{1,400}?)\\\]",
    re.S,
)
_STYLED = re.compile(
    r"\\(?P<command>emph|textit|textbf|texttt|textsc|textrm|text|mbox|underline)\s*\{(?P<inner>[^{}\\$]{0,300})\}"
)
_ESCAPED = re.compile(r"\\([%&#_${}])")
_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|[A-Za-z]+|\d+(?:\.\d+)?|\s+|.", re.S)

_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
    "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ", "nabla": "∇", "partial": "∂", "infty": "∞",
    "times": "×", "cdot": "·", "cdots": "⋯", "ldots": "…", "dots": "…", "pm": "±", "mp": "∓", "div": "÷", "ast": "∗",
    "star": "⋆", "circ": "∘", "bullet": "•", "oplus": "⊕", "otimes": "⊗", "odot": "⊙", "le": "≤", "leq": "≤",
    "leqslant": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "ne": "≠", "neq": "≠", "ll": "≪", "gg": "≫",
    "approx": "≈", "sim": "∼", "simeq": "≃", "cong": "≅", "equiv": "≡", "propto": "∝", "to": "→", "rightarrow": "→",
    "longrightarrow": "⟶", "Rightarrow": "⇒", "leftarrow": "←", "leftrightarrow": "↔", "mapsto": "↦", "uparrow": "↑",
    "downarrow": "↓", "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "cup": "∪", "cap": "∩",
    "setminus": "∖", "emptyset": "∅", "forall": "∀", "exists": "∃", "neg": "¬", "land": "∧", "lor": "∨", "wedge": "∧",
    "vee": "∨", "sum": "∑", "prod": "∏", "int": "∫", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋",
    "lceil": "⌈", "rceil": "⌉", "lVert": "‖", "rVert": "‖", "Vert": "‖", "|": "‖", "vert": "|", "mid": "|",
    "parallel": "∥", "perp": "⊥", "top": "⊤", "dagger": "†", "prime": "′", "degree": "°", "deg": "deg", "S": "§",
    "hbar": "ℏ", "Re": "Re", "Im": "Im", "triangleq": "≜", "colon": ":", "lbrace": "{", "rbrace": "}",
    "backslash": "\\", "textasciitilde": "~", "checkmark": "✓", "square": "□", "gtrsim": "≳", "lesssim": "≲",
}  # fmt: skip
_SPACES = {",": " ", ";": " ", ":": " ", " ": " ", "!": "", "quad": " ", "qquad": " ", "\\": " ", "~": " ", "/": ""}
_IGNORED = frozenset({
    "left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "displaystyle", "textstyle",
    "limits", "nolimits", "rm", "bf", "it", "cal", "boldmath", "middle", "mathstrut", "protect",
})  # fmt: skip
_BOLD = frozenset({
    "mathbf", "boldsymbol", "bm", "textbf", "pmb", "mathbfit",
})  # fmt: skip
_UPRIGHT = frozenset({
    "mathrm", "text", "textrm", "operatorname", "operatorname*", "mathsf", "texttt", "mathtt", "mbox", "textsf",
    "textsc",
})  # fmt: skip
_SLANTED = frozenset({
    "mathcal", "mathscr", "mathit", "emph", "textit", "mathfrak",
})  # fmt: skip
_DOUBLE = dict(zip("CHNPQRZE1", "ℂℍℕℙℚℝℤ𝔼𝟙", strict=True))
_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303", "bar": "\u0304",
    "overline": "\u0304", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308", "check": "\u030c", "underline": "",
}  # fmt: skip


def to_html(text: str) -> str:
    """The text as HTML, escaped, its formulas readable. Linear in the length of the text; never raises."""
    out: list[str] = []
    end = 0
    for match in _MATH.finditer(text):
        out.append(_words(text[end : match.start()]))
        formula = next(group for group in match.groups() if group is not None)
        if _balanced(formula):
            out.append(f'<span class="fr-math">{_Formula(formula).html()}</span>')
        else:
            out.append(escape(match[0]))
        end = match.end()
    out.append(_words(text[end:]))
    return "".join(out)


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text as it is, in pieces, each with whether it is a formula that `to_html` reads, its dollar signs included."""
    end = 0
    for match in _MATH.finditer(text):
        yield text[end : match.start()], False
        yield match[0], _balanced(match[0])
        end = match.end()
    yield text[end:], False


def whole(text: str, chars: int) -> int:
    """Where to cut a text of more than `chars` characters so that no formula is cut through: there, or where the formula
    begins that lies there."""
    for match in _MATH.finditer(text):
        if match.start() >= chars:
            break
        if match.end() > chars:
            return match.start()
    return chars


def _balanced(formula: str) -> bool:
    """Whether every brace that opens is closed."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", formula):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def _words(text: str) -> str:
    """Text outside formulas: a few marks of TeX undone, the rest escaped."""
    out: list[str] = []
    end = 0
    for match in _STYLED.finditer(text):
        out.append(_plain(text[end : match.start()]))
        tag = {"textbf": "b", "emph": "i", "textit": "i"}.get(match["command"])
        inner = _plain(match["inner"])
        out.append(f"<{tag}>{inner}</{tag}>" if tag else inner)
        end = match.end()
    out.append(_plain(text[end:]))
    return "".join(out)


def _plain(text: str) -> str:
    quoted = text.replace("``", "“").replace("''", "”").replace("---", "—")
    return escape(_ESCAPED.sub(r"\1", quoted))


class _Formula:
    """One formula, read once from left to right."""

    def __init__(self, formula: str) -> None:
        self.tokens = _TOKEN.findall(formula)
        self.at = 0

    def html(self) -> str:
        out: list[str] = []
        while self.at < len(self.tokens):
            out.append(self._next(0))
        return "".join(out).strip()

    def _next(self, depth: int) -> str:
        """The HTML of the next token with its arguments."""
        part = self.tokens[self.at]
        self.at += 1
        if part.startswith("\\") and len(part) > 1:
            return self._command(part[1:], depth)
        if part in "^_":
            tag = "sup" if part == "^" else "sub"
            return f"<{tag}>{self._argument(depth)}</{tag}>"
        if part == "{":
            return self._group(depth)
        if part in ("}", "&", "~"):
            return " " if part != "}" else ""
        if part.isspace():
            return " "
        if part[0].isalpha() and part.isascii():
            return f"<i>{part}</i>"
        return {"-": "−", "'": "′", "*": "∗"}.get(part) or escape(part)

    def _group(self, depth: int) -> str:
        """What stands between braces (the opening one is read); deeper than _DEEPEST, as it is."""
        out: list[str] = []
        while self.at < len(self.tokens):
            if self.tokens[self.at] == "}":
                self.at += 1
                break
            if depth >= _DEEPEST:
                out.append(escape(self.tokens[self.at]))
                self.at += 1
            else:
                out.append(self._next(depth + 1))
        return "".join(out)

    def _argument(self, depth: int) -> str:
        """A group, or one single letter, digit or command, as TeX takes it."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        if self.at >= len(self.tokens):
            return ""
        part = self.tokens[self.at]
        if part == "{":
            self.at += 1
            return self._group(depth)
        if len(part) > 1 and part[0] != "\\":
            self.tokens[self.at] = part[1:]
            return f"<i>{part[0]}</i>" if part[0].isalpha() else escape(part[0])
        return self._next(depth + 1) if depth < _DEEPEST else ""

    def _command(self, name: str, depth: int) -> str:
        if name in _SYMBOLS:
            return escape(_SYMBOLS[name])
        if name in _SPACES:
            return _SPACES[name]
        if name in _IGNORED:
            if self.at < len(self.tokens) and self.tokens[self.at] == ".":  # \left. is an empty bracket
                self.at += 1
            return ""
        if name in _BOLD:
            return f"<b>{self._argument(depth)}</b>"
        if name in _UPRIGHT:
            return _untagged(self._argument(depth))
        if name in _SLANTED:
            return f"<i>{_untagged(self._argument(depth))}</i>"
        if name in ("mathbb", "mathds", "Bbb"):
            inner = _untagged(self._argument(depth))
            return _DOUBLE.get(inner) or f"<b>{inner}</b>"
        if name in ("frac", "tfrac", "dfrac"):
            return f"{_bracketed(self._argument(depth))}/{_bracketed(self._argument(depth))}"
        if name == "sqrt":
            return f"√{_bracketed(self._argument(depth))}"
        if name in _ACCENTS:
            inner = self._argument(depth)
            return inner[:-4] + _ACCENTS[name] + "</i>" if re.fullmatch(r"<i>\w</i>", inner) else inner
        if len(name) == 1 and not name.isalpha():  # \{ \% \_
            return escape(name)
        return f"\u2009{escape(name.rstrip('*'))}"  # \log, \max, and whatever is not known, by its name


def _untagged(markup: str) -> str:
    """Without the slant of single letters."""
    return markup.replace("<i>", "").replace("</i>", "")


def _bracketed(markup: str) -> str:
    """In brackets when it is more than one letter or number."""
    return markup if re.fullmatch(r"<i>\w</i>|<b><i>\w</i></b>|[^\W\d_]|\d+(?:\.\d+)?", markup) else f"({markup})"
