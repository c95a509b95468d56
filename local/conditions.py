"""The parts of a template that depend on parameters, decided before the emulator sees them."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_NO_VALUE = {"Ref": "AWS::NoValue"}


class UnknownCondition(ValueError):
    """The template uses a function that is not known here."""


class Choices:
    """What the conditions of a template come to with these parameters, and with the defaults of all others."""

    def __init__(self, template: Json, parameters: Mapping[str, str]) -> None:
        defaults = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
        self._values = {name: str(value) for name, value in (defaults | dict(parameters)).items()}
        self._conditions: Json = template["Conditions"]

    def made(self, node: Any) -> Any:
        """``node`` with the values of parameters, and of each Fn::If the branch that holds."""
        match node:
            case {"Fn::If": [name, then, otherwise]}:
                return self.made(then if self.holds(self._conditions[name]) else otherwise)
            case {"Ref": str(name)} if name in self._values:
                return self._values[name]
            case dict():
                made = {name: self.made(member) for name, member in node.items()}
                return {name: member for name, member in made.items() if member != _NO_VALUE}
            case list():
                return [member for member in map(self.made, node) if member != _NO_VALUE]
        return node

    def holds(self, condition: Json) -> bool:
        """Raises UnknownCondition."""
        match condition:
            case {"Fn::Equals": [one, other]}:
                return str(self.made(one)) == str(self.made(other))
            case {"Fn::Not": [inner]}:
                return not self.holds(inner)
        raise UnknownCondition(f"not known here: {condition}")
