"""Access logs and the domain of the distribution: options of the template, off by default."""

from __future__ import annotations

from typing import Any

import pytest

from local.conditions import Choices
from local.parameters import broken_rule
from tests.unit.project.test_template import RESOURCES, TEMPLATE

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"


def made(resource: str, **parameters: str) -> dict[str, Any]:
    found: dict[str, Any] = Choices(TEMPLATE, parameters).made(RESOURCES[resource]["Properties"])
    return found


def distribution(**parameters: str) -> dict[str, Any]:
    found: dict[str, Any] = made("AssetsDistribution", AssetsKeyGroupId="K1", **parameters)["DistributionConfig"]
    return found


def test_nothing_is_logged_by_default() -> None:
    """The logs contain signed URLs (I9)."""
    assert "LoggingConfiguration" not in made("AssetsBucket")
    assert "Logging" not in distribution()


def test_downloads_are_logged_to_the_bucket_that_the_operator_names() -> None:
    assert made("AssetsBucket", AssetsLogBucket="my-logs")["LoggingConfiguration"] == {
        "DestinationBucketName": "my-logs",
        "LogFilePrefix": {"Fn::Sub": "${AWS::StackName}/assets/"},
    }
    logging = distribution(DistributionLogBucket="my-logs")["Logging"]
    assert logging["Bucket"] == {"Fn::Sub": "${DistributionLogBucket}.s3.${AWS::URLSuffix}"}
    assert logging["Prefix"] == {"Fn::Sub": "${AWS::StackName}/distribution/"}


def test_a_domain_of_the_operator_has_a_floor_for_tls() -> None:
    config = distribution(AssetsDomain="files.example.com", AssetsCertificateArn=CERTIFICATE)
    assert config["Aliases"] == ["files.example.com"]
    certificate = config["ViewerCertificate"]
    assert certificate["AcmCertificateArn"] == CERTIFICATE
    assert (certificate["MinimumProtocolVersion"], certificate["SslSupportMethod"]) == ("TLSv1.2_2021", "sni-only")


def test_the_certificate_of_cloudfront_leaves_no_choice() -> None:
    assert distribution().keys().isdisjoint({"Aliases", "ViewerCertificate"})


@pytest.mark.parametrize(
    ("name", "value", "permitted"),
    [
        ("AssetsDomain", "files.example.com", True),
        ("AssetsDomain", "*.example.com", True),
        ("AssetsDomain", "https://files.example.com", False),
        ("AssetsDomain", "localhost", False),
        ("AssetsCertificateArn", CERTIFICATE, True),
        ("AssetsCertificateArn", CERTIFICATE.replace("us-east-1", "eu-central-1"), False),
        ("AssetsLogBucket", "my-logs", True),
        ("AssetsLogBucket", "s3://my-logs", False),
        ("DistributionLogBucket", "my-logs.s3.amazonaws.com/x", False),
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_created(name: str, value: str, permitted: bool) -> None:
    assert (broken_rule(TEMPLATE["Parameters"][name], value) is None) is permitted
