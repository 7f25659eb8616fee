"""`$(w * 2)`: numbers, names, `+ - * // %`, unary minus, parentheses. A parser of its own; nothing is evaluated."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

Number = int | float

LARGEST = 10**15  # no quantity of a network is larger
_LONGEST = 200  # characters
_DEEPEST = 32  # parentheses and signs
_TOKEN = re.compile(
    r"\s*(?:((?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)|([A-Za-z_]\w*)|(//|\*\*|[-+*%()/]))", re.ASCII
)


class ExpressionFault(Exception):
    """What is wrong with an expression, and at which character of it."""

    def __init__(self, message: str, at: int, help_: str = "") -> None:
        super().__init__(message)
        self.message, self.at, self.help = message, at, help_


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # number, name, sign, end
    text: str
    at: int


def calculate(text: str, lookup: Callable[[str, int], Number]) -> Number:
    """Value of an expression; `lookup(name, at)` gives a name's number. Raises ExpressionFault."""
    if len(text) > _LONGEST:
        raise ExpressionFault(f"an expression has at most {_LONGEST} characters", 0)
    parser = _Parser(_tokens(text), lookup)
    value = parser.sum()
    rest = parser.peek()
    if rest.kind != "end":
        raise ExpressionFault(f"`{rest.text}` does not fit here", rest.at, _help(rest.text))
    return value


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionFault(f"`{text[start]}` is not part of arithmetic", start, _help(text[start]))
        kind = "number" if match.group(1) else "name" if match.group(2) else "sign"
        tokens.append(_Token(kind, match.group().strip(), match.end() - len(match.group().strip())))
        at = match.end()
    return [*tokens, _Token("end", "the end", end)]


def _help(sign: str) -> str:
    return {
        "/": "`//` divides and rounds down",
        "**": "write a power as a product: `w * w`",
        "$": "inside of `$( )` names stand without `$`",
    }.get(sign, "allowed are numbers, names, `+ - * // %` and parentheses")


class _Parser:
    """sum = product {(+|-) product}; product = factor {(*|//|%) factor}; factor = [-|+] (number | name | (sum))."""

    def __init__(self, tokens: list[_Token], lookup: Callable[[str, int], Number]) -> None:
        self.tokens, self.lookup = tokens, lookup
        self.next = self.depth = 0

    def peek(self) -> _Token:
        return self.tokens[self.next]

    def take(self) -> _Token:
        token = self.tokens[self.next]
        self.next = min(self.next + 1, len(self.tokens) - 1)
        return token

    def sum(self) -> Number:
        value = self.product()
        while self.peek().text in ("+", "-"):
            sign = self.take()
            other = self.product()
            value = _bounded(value + other if sign.text == "+" else value - other, sign.at)
        return value

    def product(self) -> Number:
        value = self.factor()
        while self.peek().text in ("*", "//", "%"):
            sign = self.take()
            other = self.factor()
            if sign.text != "*" and other == 0:
                raise ExpressionFault("division by zero", sign.at, "give the divisor another value")
            result = value * other if sign.text == "*" else value // other if sign.text == "//" else value % other
            value = _bounded(result, sign.at)
        return value

    def factor(self) -> Number:
        token = self.take()
        if token.kind == "number":
            return _bounded(float(token.text) if set(token.text) & set(".eE") else int(token.text), token.at)
        if token.kind == "name":
            return _bounded(self.lookup(token.text, token.at), token.at)
        if token.text not in ("-", "+", "("):
            raise ExpressionFault(f"a number or a name is missing before {_shown(token)}", token.at, _help(token.text))
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ExpressionFault(f"more than {_DEEPEST} signs and parentheses in each other", token.at)
        if token.text == "(":
            value = self.sum()
            if self.take().text != ")":
                raise ExpressionFault("this parenthesis is never closed", token.at, "write `)`")
        else:
            value = self.factor() * (-1 if token.text == "-" else 1)
        self.depth -= 1
        return value


def _shown(token: _Token) -> str:
    return token.text if token.kind == "end" else f"`{token.text}`"


def _bounded(value: Number, at: int) -> Number:
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise ExpressionFault("the value is larger than 10^15", at, "no quantity of a network is so large")
    return value
