"""What CloudFormation checks of several parameters, or of one that a pattern cannot describe, before it creates anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.project.test_template import TEMPLATE

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"


def is_permitted(rule: str, values: dict[str, str]) -> bool:
    [assertion] = TEMPLATE["Rules"][rule]["Assertions"]
    return holds(assertion["Assert"], values)


def holds(condition: dict[str, Any], values: dict[str, str]) -> bool:
    [(function, parts)] = condition.items()
    match function:
        case "Fn::Equals":
            return bool(values[parts[0]["Ref"]] == parts[1])
        case "Fn::Not":
            return not holds(parts[0], values)
        case "Fn::And":
            return all(holds(each, values) for each in parts)
    assert function == "Fn::Or"
    return any(holds(each, values) for each in parts)


@pytest.mark.parametrize(
    ("domain", "certificate", "permitted"),
    [("", "", True), ("files.example.com", CERTIFICATE, True), ("files.example.com", "", False), ("", CERTIFICATE, False)],
)
def test_a_domain_and_its_certificate_are_set_together(domain: str, certificate: str, permitted: bool) -> None:
    values = {"AssetsDomain": domain, "AssetsCertificateArn": certificate}
    assert is_permitted("DomainWithCertificate", values) is permitted


@pytest.mark.parametrize(("concurrency", "permitted"), [("0", True), ("1", False), ("2", True)])
def test_callbacks_are_processed_by_none_or_at_least_two_reserved_functions(concurrency: str, permitted: bool) -> None:
    assert is_permitted("CallbackConcurrencyOfSqs", {"CallbackConcurrency": concurrency}) is permitted
