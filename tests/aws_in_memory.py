"""Clients of AWS for tests: one that checks its arguments as botocore does, and one that is made when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ParamValidationError
from botocore.model import ServiceModel
from botocore.validate import ParamValidator


@cache
def operations(service: str) -> dict[str, Any]:
    """The models of a service's operations by the names of boto3's methods."""
    model = ServiceModel(botocore.session.get_session().get_service_data(service), service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


class CheckedClient:
    """A client in memory that refuses arguments of a wrong name or type, such as a number where DynamoDB expects its text."""

    def __init__(self, service: str, client: Any) -> None:
        self._operations = operations(service)
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name not in self._operations:
            return found

        def call(**arguments: Any) -> Any:
            report = ParamValidator().validate(arguments, self._operations[name].input_shape)
            if report.has_errors():
                raise ParamValidationError(report=report.generate_report())
            return found(**arguments)

        return call


class OnFirstUse:
    """An object that ``make`` makes as soon as one of its attributes is needed."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)
