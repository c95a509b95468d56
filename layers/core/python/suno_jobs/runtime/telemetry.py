"""Logs and metrics. No log line contains a key, a MAC, a task token or a signed URL (I9).

Not for the callback function, which must start without this library: metric filters count the lines that it logs.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from suno_jobs.runtime.log_context import AddKeys

NAMESPACE = "SunoJobs"

log = Logger(service="suno-jobs", log_uncaught_exceptions=False)
log.addFilter(AddKeys())


def count(metric: str, value: float = 1, **dimensions: str) -> None:
    """Adds ``value`` to a CloudWatch metric of the bundle's namespace, in the embedded metric format: no request is made."""
    _emit(metric, MetricUnit.Count, value, dimensions)


def seconds(metric: str, value: float, **dimensions: str) -> None:
    """The same for a length of time."""
    _emit(metric, MetricUnit.Seconds, value, dimensions)


def _emit(metric: str, unit: MetricUnit, value: float, dimensions: dict[str, str]) -> None:
    with single_metric(name=metric, unit=unit, value=value, namespace=NAMESPACE) as line:
        for name, text in dimensions.items():
            line.add_dimension(name, text)
