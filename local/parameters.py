"""Parameters of the template, checked as CloudFormation does before it creates anything."""

import re
from collections.abc import Mapping

from local.conditions import Json


class WrongParameter(ValueError):
    """A value that the template does not allow, or a parameter that it does not have."""


class UnknownParameter(WrongParameter):
    """The template has no such parameter."""


def check(template: Json, given: Mapping[str, str]) -> None:
    """Raises WrongParameter."""
    declared = template["Parameters"]
    if unknown := given.keys() - declared.keys():
        raise UnknownParameter(f"the template has no parameter {', '.join(sorted(unknown))}; it has {', '.join(declared)}")
    for name, value in given.items():
        if rule := broken_rule(declared[name], value):
            raise WrongParameter(f"parameter {name}={value}: {rule}")


def broken_rule(parameter: Json, value: str) -> str | None:
    """What the value had to be; None if it is allowed."""
    allowed = [str(each) for each in parameter.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"must be one of {', '.join(allowed)}"
    pattern = parameter.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return str(parameter.get("ConstraintDescription", f"must match {pattern}"))
    if parameter["Type"] != "Number":
        return None
    lowest, highest = parameter.get("MinValue"), parameter.get("MaxValue")
    try:
        number = float(value)
    except ValueError:
        return "must be a number"
    too_small = lowest is not None and number < lowest
    too_large = highest is not None and number > highest
    return f"must be from {lowest} to {highest}" if too_small or too_large else None
