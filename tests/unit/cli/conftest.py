from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def aws(aws_on_moto: SimpleNamespace) -> SimpleNamespace:
    """A command makes its own clients of boto3."""
    return aws_on_moto
