"""DynamoDB's condition and update expressions: read once, then evaluated on items in the wire format.

Grammar: the developer guide's pages "Condition and filter expressions" and "Update expressions". Syntax that the product does
not use (attribute_type, DELETE of set members) is refused, like everything that DynamoDB itself refuses.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

Value = Mapping[str, Any]
Item = Mapping[str, Any]
Path = tuple[str | int, ...]


class ExpressionError(ValueError):
    """DynamoDB would answer with ValidationException."""


@dataclass(slots=True)
class Scope:
    """The item and the values on which an expression is evaluated. All placeholders are defined: see ``aws_table``."""

    item: Item
    values: Mapping[str, Value]


Operand = Callable[[Scope], Value | None]
Condition = Callable[[Scope], bool]
Assignment = tuple[Path, Operand]

_TOKEN = re.compile(r"\s*(?:(<=|>=|<>|[()\[\],.=<>+-])|([#:]?[A-Za-z_0-9]+))")


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"Syntax error near {text[position:]!r}")
        found.append(match[1] or match[2])
        position = match.end()
    return found


def plain(value: Value) -> tuple[str, Any]:
    """Type and content, comparable with those of another value."""
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return kind, Decimal(content)
        case "NS" | "SS" | "BS":
            return kind, frozenset(map(Decimal, content) if kind == "NS" else content)
        case "L":
            return kind, [plain(each) for each in content]
        case "M":
            return kind, {name: plain(each) for name, each in content.items()}
        case "B":
            return kind, bytes(content)
    return kind, content


_ORDERED = ("N", "S", "B")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _compare(operator: str, left: Value | None, right: Value | None) -> bool:
    """An absent attribute differs from every value, and is neither smaller nor greater than any."""
    if left is None or right is None:
        return operator == "<>"
    if operator in ("=", "<>"):
        return (left == right or plain(left) == plain(right)) is (operator == "=")
    a, b = plain(left), plain(right)
    return a[0] == b[0] and a[0] in _ORDERED and _COMPARE[operator](a[1], b[1])


def at(item: Any, path: Path) -> Value | None:
    """The value at a path, or None."""
    value: Any = {"M": item}
    for step in path:
        inner = value.get("M" if isinstance(step, str) else "L")
        if inner is None or (step not in inner if isinstance(step, str) else step >= len(inner)):
            return None
        value = inner[step]
    found: Value = value
    return found


def _size(value: Value) -> Value | None:
    kind, content = next(iter(value.items()))
    if kind in ("N", "BOOL", "NULL"):
        return None
    return {"N": str(len(content.encode() if kind == "S" else content))}


def _contains(where: Value | None, what: Value | None) -> bool:
    if where is None or what is None:
        return False
    kind, content = plain(where)
    wanted = plain(what)
    if kind == "L":
        return wanted in content
    if kind in ("SS", "NS", "BS"):
        return kind[0] == wanted[0] and wanted[1] in content
    return kind in ("S", "B") and kind == wanted[0] and wanted[1] in content


def _begins_with(text: Value | None, start: Value | None) -> bool:
    if text is None or start is None:
        return False
    [(kind, content)], [(other, beginning)] = text.items(), start.items()
    return kind == other and kind in ("S", "B") and bool(content.startswith(beginning))


class Reader:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self._tokens = _tokens(text)
        self._names = names
        self._position = 0
        self._groups: list[tuple[int, int]] = []
        self.placeholders = frozenset(token for token in self._tokens if token[0] in "#:")

    # Tokens

    @property
    def _next(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _word(self) -> str:
        return self._next.upper()

    def _take(self) -> str:
        token = self._next
        if not token:
            raise ExpressionError("Syntax error: the expression ends too early")
        self._position += 1
        return token

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise ExpressionError(f"Syntax error: {token!r} expected before {self._tokens[self._position - 1]!r}")

    def end(self) -> None:
        if self._next:
            raise ExpressionError(f"Syntax error near {self._next!r}")

    # Conditions

    def condition(self) -> Condition:
        parts = [self._conjunction()]
        while self._word() == "OR":
            self._take()
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)

    def _conjunction(self) -> Condition:
        parts = [self._negation()]
        while self._word() == "AND":
            self._take()
            parts.append(self._negation())
        if len(parts) == 2:
            # Faster than `all`: a query compares the keys of each item of a partition in this way.
            first, second = parts
            return lambda scope: first(scope) and second(scope)
        return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)

    def _negation(self) -> Condition:
        if self._word() == "NOT":
            self._take()
            inner = self._negation()
            return lambda scope: not inner(scope)
        return self._group() if self._next == "(" else self._predicate()

    def _group(self) -> Condition:
        start = self._position
        self._take()
        inner = self.condition()
        self._expect(")")
        if self._groups and self._groups[-1] == (start + 1, self._position - 1):
            raise ExpressionError("The expression has redundant parentheses")
        self._groups.append((start, self._position))
        return inner

    def _predicate(self) -> Condition:
        match self._next:
            case "attribute_exists" | "attribute_not_exists":
                wanted = self._take() == "attribute_exists"
                [path] = self._arguments(1)
                return lambda scope: (path(scope) is not None) is wanted
            case "begins_with" | "contains":
                test = _begins_with if self._take() == "begins_with" else _contains
                left, right = self._arguments(2)
                return lambda scope: test(left(scope), right(scope))
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self._operand()
        operator = self._take()
        if operator.upper() == "IN":
            options = self._arguments(None)
            return lambda scope: any(_compare("=", left(scope), option(scope)) for option in options)
        if operator.upper() == "BETWEEN":
            least = self._operand()
            if self._take().upper() != "AND":
                raise ExpressionError("Syntax error: BETWEEN needs AND")
            most = self._operand()
            return lambda scope: _compare("<=", least(scope), left(scope)) and _compare("<=", left(scope), most(scope))
        if operator not in (*_COMPARE, "=", "<>"):
            raise ExpressionError(f"Syntax error near {operator!r}")
        right = self._operand()
        return lambda scope: _compare(operator, left(scope), right(scope))

    def _arguments(self, count: int | None) -> Sequence[Operand]:
        self._expect("(")
        found = [self._operand()]
        while self._next == ",":
            self._take()
            found.append(self._operand())
        self._expect(")")
        if count is not None and len(found) != count:
            raise ExpressionError(f"{count} arguments expected, {len(found)} given")
        return found

    # Operands

    def _operand(self) -> Operand:
        if self._next.startswith(":"):
            return self._value()
        if self._next == "size":
            self._take()
            [inner] = self._arguments(1)
            return lambda scope: _size(value) if (value := inner(scope)) is not None else None
        path = self._path()
        if len(path) == 1:
            name = str(path[0])
            return lambda scope: scope.item.get(name)
        return lambda scope: at(scope.item, path)

    def _value(self) -> Operand:
        token = self._take()
        if not token.startswith(":"):
            raise ExpressionError(f"Syntax error near {token!r}")
        return lambda scope: scope.values[token]

    def _path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while self._next in (".", "["):
            if self._take() == ".":
                steps.append(self._name())
            else:
                steps.append(int(self._take()))
                self._expect("]")
        return tuple(steps)

    def _name(self) -> str:
        token = self._take()
        if not re.fullmatch(r"#?[A-Za-z_]\w*|#\w+", token):
            raise ExpressionError(f"Syntax error near {token!r}")
        if token.startswith("#") and token not in self._names:
            raise ExpressionError(f"Placeholder not defined: {token}")
        return self._names.get(token, token)

    # Updates

    def update(self) -> Update:
        update = Update([], [], [])
        while self._next:
            clause = self._take().upper()
            if clause not in ("SET", "REMOVE", "ADD"):
                raise ExpressionError(f"Syntax error near {clause!r}")
            self._clause(clause, update)
            while self._next == ",":
                self._take()
                self._clause(clause, update)
        return update

    def _clause(self, clause: str, update: Update) -> None:
        path = self._path()
        if clause == "REMOVE":
            update.removes.append(path)
        elif clause == "ADD":
            update.adds.append((path, self._value()))
        else:
            self._expect("=")
            update.sets.append((path, self._sum()))

    def _sum(self) -> Operand:
        left = self._assigned()
        if self._next not in ("+", "-"):
            return left
        sign = 1 if self._take() == "+" else -1
        right = self._assigned()
        return lambda scope: _number(_needed(left, scope), _needed(right, scope), sign)

    def _assigned(self) -> Operand:
        match self._next:
            case "if_not_exists":
                self._take()
                self._expect("(")
                path = self._path()
                self._expect(",")
                fallback = self._assigned()
                self._expect(")")
                return lambda scope: found if (found := at(scope.item, path)) is not None else fallback(scope)
            case "list_append":
                self._take()
                self._expect("(")
                head = self._assigned()
                self._expect(",")
                tail = self._assigned()
                self._expect(")")
                return lambda scope: _append(_needed(head, scope), _needed(tail, scope))
        return self._operand()


@dataclass(frozen=True, slots=True)
class Update:
    sets: list[Assignment]
    removes: list[Path]
    adds: list[Assignment]

    def apply(self, scope: Scope) -> dict[str, Any]:
        """The item after the update. All operands are read from the item before it."""
        new = dict(scope.item)
        assigned = [(path, _needed(operand, scope)) for path, operand in self.sets]
        assigned += [(path, _added(at(scope.item, path), _needed(operand, scope))) for path, operand in self.adds]
        for path, value in assigned:
            _put(new, path, value)
        for path in self.removes:
            _put(new, path, None)
        return new

    @property
    def paths(self) -> list[Path]:
        """All places that it changes."""
        return [path for path, _ in (*self.sets, *self.adds)] + self.removes


def _needed(operand: Operand, scope: Scope) -> Value:
    value = operand(scope)
    if value is None:
        raise ExpressionError("The provided expression refers to an attribute that does not exist in the item")
    return value


def _number(left: Value, right: Value, sign: int) -> Value:
    if "N" not in left or "N" not in right:
        raise ExpressionError("An operand in the update expression has an incorrect data type")
    return {"N": str(Decimal(left["N"]) + sign * Decimal(right["N"]))}


def _append(head: Value, tail: Value) -> Value:
    if "L" not in head or "L" not in tail:
        raise ExpressionError("An operand in the update expression has an incorrect data type")
    return {"L": [*head["L"], *tail["L"]]}


def _added(before: Value | None, value: Value) -> Value:
    [(kind, content)] = value.items()
    if kind not in ("N", "SS", "NS", "BS") or (before is not None and kind not in before):
        raise ExpressionError("An operand in the update expression has an incorrect data type")
    if before is None:
        return value
    return _number(before, value, 1) if kind == "N" else {kind: sorted({*before[kind], *content})}


def _put(item: dict[str, Any], path: Path, value: Value | None) -> None:
    """Sets the value, or removes it if None. Every map and list on the path is copied, since earlier answers may share it."""
    inner: Any = item
    last = path[-1]
    for step, following in itertools.pairwise(path):
        kind = "M" if isinstance(following, str) else "L"
        found = inner.get(step) if isinstance(step, str) else inner[step] if step < len(inner) else None
        if found is None or kind not in found:
            raise ExpressionError("The document path provided in the update expression is invalid for update")
        copied = dict(found["M"]) if kind == "M" else list(found["L"])
        inner[step] = {kind: copied}
        inner = copied
    if isinstance(last, str):
        inner.pop(last, None) if value is None else inner.update({last: value})
    elif value is None:
        del inner[last : last + 1]
    else:
        inner[last : last + 1] = [value]


Names = tuple[tuple[str, str], ...]
"""The items of ExpressionAttributeNames."""


@lru_cache(maxsize=4096)
def read_condition(text: str, names: Names) -> tuple[Condition, frozenset[str]]:
    """The condition and the placeholders in it. Raises ExpressionError."""
    reader = Reader(text, dict(names))
    condition = reader.condition()
    reader.end()
    return condition, reader.placeholders


@lru_cache(maxsize=4096)
def read_update(text: str, names: Names) -> tuple[Update, frozenset[str]]:
    """The update and the placeholders in it. Raises ExpressionError."""
    reader = Reader(text, dict(names))
    update = reader.update()
    if any(one == other[: len(one)] for one, other in itertools.permutations(update.paths, 2)):
        raise ExpressionError("Two document paths overlap with each other")
    return update, reader.placeholders
