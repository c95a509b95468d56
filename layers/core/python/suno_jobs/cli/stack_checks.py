"""The checks of a stack: its configuration, whether callbacks reach it, clock, quotas, alarms, queues and open jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import islice
from math import inf
from typing import Any

from suno_jobs.cli.checks import Check
from suno_jobs.cli.problems import EXPECTED, describe
from suno_jobs.cli.stack import OPTIONS, Stack
from suno_jobs.cli.stuck import find_stuck
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.views import iso_time
from suno_jobs.storage.jobs import JobStore

NEEDED_OUTPUTS = {"ApiUrl", "FailedSweepsQueueUrl", *OPTIONS}
FORGED = "/v1/callbacks/ttapi/job_00000000000000000000000000/" + "0" * 64
CLOCK_SECONDS = 60
"""AWS refuses a request whose time is wrong by more than five minutes."""
FEW_EXECUTIONS = 50
MANY_CALLBACKS = 100
JOBS_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class StackChecks:
    """``client`` makes a client of boto3, and ``post`` returns the status of a forged callback, or why there is none."""

    stack: Stack
    clock: Callable[[], float]
    client: Callable[[str], Any]
    post: Callable[[str], int | str]

    def check_stack(self) -> Iterator[Check]:
        """What may not be read is a warning. Raises what ``Stack`` raises if the stack cannot be read at all."""
        yield self._deployment()
        checks: dict[str, Callable[[], Iterator[Check]]] = {
            "configuration": self._configuration,
            "clock": self._clock,
            "callbacks": self._callbacks,
            "quotas": self._quotas,
            "alarms": self._alarms,
            "subscribers": self._subscribers,
            "queues": self._queues,
            "jobs": self._jobs,
        }
        for subject, check in checks.items():
            try:
                yield from check()
            except EXPECTED as problem:
                yield Check(subject, "cannot be checked:", describe(problem), warning=True)

    def _deployment(self) -> Check:
        status = self.stack.described["StackStatus"]
        missing = sorted(NEEDED_OUTPUTS - self.stack.outputs.keys())
        if missing:
            return Check("stack", f"lacks the outputs {', '.join(missing)}.", "Deploy the current version.")
        if status.endswith("_IN_PROGRESS"):
            return Check("stack", f"{status}.", "Repeat the command after the deployment.", warning=True)
        if status.endswith("_FAILED"):
            return Check("stack", f"{status}.", "The events of the stack have the reason. Deploy again.")
        return Check("stack", status)

    def _configuration(self) -> Iterator[Check]:
        found = [*contradictions(self.stack.parameters)]
        yield from (Check("configuration", finding, remedy, warning=True) for finding, remedy in found)
        if not found:
            yield Check("configuration", "the parameters fit together")

    def _clock(self) -> Iterator[Check]:
        ahead = self.clock() - parsedate_to_datetime(self.stack.answered_at).timestamp()
        finding = f"this machine is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} AWS"
        yield Check("clock", finding, "" if abs(ahead) <= CLOCK_SECONDS else "Set its clock, for example with NTP.")

    def _callbacks(self) -> Iterator[Check]:
        """API Gateway puts each callback into the queue. A forged one is refused when it is taken from there."""
        url = self.stack.output("ApiUrl")
        answer = self.post(url + FORGED)
        if answer == 200:
            yield Check("callbacks", f"{url} takes callbacks; a forged one was sent, which is refused behind the queue")
        else:
            remedy = "Gateways must reach this address: check PublicBaseUrl, its DNS record and its certificate."
            yield Check("callbacks", f"{url} answered a callback with {answer}.", remedy)

    def _quotas(self) -> Iterator[Check]:
        limits = self.client("lambda").get_account_settings()["AccountLimit"]
        total, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
        finding = f"{free} of {total} concurrent executions of Lambda are not reserved"
        remedy = "Ask AWS for a higher quota, or reserve less: see WaitConcurrency in docs/settings.md."
        few = free < FEW_EXECUTIONS
        yield Check("quotas", f"{finding}{'.' if few else ''}", remedy if few else "", warning=True)
        stage = self.client("apigatewayv2").get_stage(ApiId=self.stack.resource("HttpApi"), StageName="$default")
        rate = stage.get("DefaultRouteSettings", {}).get("ThrottlingRateLimit")
        yield Check("quotas", f"the API takes {rate:g} requests a second" if rate else "the API has the limit of the account")

    def _alarms(self) -> Iterator[Check]:
        own = re.compile(rf"{re.escape(self.stack.name)}-(\w+Alarm-\w+|money-at-risk)")
        pages = self.client("cloudwatch").get_paginator("describe_alarms")
        asked = pages.paginate(AlarmNamePrefix=f"{self.stack.name}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = [each for page in asked for kind in ("MetricAlarms", "CompositeAlarms") for each in page.get(kind, ())]
        states = {each["AlarmName"]: each["StateValue"] for each in alarms if own.fullmatch(each["AlarmName"])}
        raised = sorted(name for name, state in states.items() if state == "ALARM")
        yield from (Check("alarms", f"{name} is raised.", "Its section in docs/runbook.md says what to do.") for name in raised)
        if not states:
            yield Check("alarms", "there is none.", "Deploy the stack again.", warning=True)
        elif not raised:
            yield Check("alarms", f"none of {len(states)} is raised")

    def _subscribers(self) -> Iterator[Check]:
        topic = self.stack.parameters.get("AlarmTopicArn")
        if not topic:
            yield Check("subscribers", "alarms reach no one.", "Set AlarmTopicArn to a topic of SNS.", warning=True)
            return
        asked = self.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        subscribed = [each for page in asked for each in page["Subscriptions"]]
        confirmed = [each for each in subscribed if each["SubscriptionArn"].startswith("arn:")]
        if confirmed:
            yield Check("subscribers", f"{len(confirmed)} of the alarm topic")
        else:
            yield Check("subscribers", "the alarm topic has none that is confirmed.", "Subscribe the person on call to it.")

    def _queues(self) -> Iterator[Check]:
        dead_letters = {
            "FailedCallbacksQueueUrl": "suno-jobs redrive-callbacks processes them again.",
            "FailedSweepsQueueUrl": "See SweepFailedAlarm in docs/runbook.md, then purge the queue.",
        }
        for output, remedy in dead_letters.items():
            count = self._messages(output)
            name = output.removesuffix("Url")
            yield Check("queues", f"{name} has {count} messages{'.' if count else ''}", remedy if count else "")
        waiting = self._messages("CallbackQueueUrl")
        remedy = "The log of receive_callback shows whether it is throttled or fails." if waiting > MANY_CALLBACKS else ""
        yield Check("queues", f"{waiting} callbacks wait to be processed{'.' if remedy else ''}", remedy, warning=True)

    def _messages(self, output: str) -> int:
        url = self.stack.output(output)
        asked = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(asked["Attributes"]["ApproximateNumberOfMessages"])

    def _jobs(self) -> Iterator[Check]:
        jobs = JobStore(self.client("dynamodb"), self.stack.output("JobsTable"))
        looked_at = filter(None, map(jobs.get, islice(jobs.due_index.job_ids(), JOBS_LOOKED_AT)))
        created = [job.created_at for job in looked_at if not job.terminal]
        oldest = f"open: {len(created)}, the oldest since {iso_time(min(created))}" if created else "none is open"
        stuck = sum(1 for _ in find_stuck(jobs, self.clock(), JOBS_LOOKED_AT))
        yield Check("jobs", f"{oldest}; stuck: {stuck}." if stuck else oldest, "See suno-jobs stuck." if stuck else "")


def contradictions(parameters: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Parameters that are allowed one by one, but do not fit together, each with what to do."""
    for name, other, remedy in _NOT_LONGER:
        if float(parameters.get(name) or 0) > float(parameters.get(other) or inf):
            yield f"{name} is longer than {other}.", f"{remedy}: shorten it."
    url = parameters.get("PublicBaseUrl", "")
    if url.startswith("http:") and "//127.0.0.1" not in url:
        yield "PublicBaseUrl is not encrypted.", "Callbacks contain links and MACs: use https."
    if parameters.get("AssetsDomain") and not parameters.get("AssetsKeyGroupId"):
        yield "AssetsDomain has no effect.", "Set AssetsKeyGroupId, or leave both empty."
    if unknown := sorted({*filter(None, parameters.get("AutoGateways", "").split(","))} - GATEWAYS.keys()):
        yield f"AutoGateways names {', '.join(unknown)}.", f"The gateways are {', '.join(GATEWAYS)}."


_NOT_LONGER = (
    ("FirstCheckSeconds", "JobDeadlineSeconds", "A task whose callback is lost is not checked before its deadline"),
    ("AmbiguousSubmitGraceSeconds", "JobDeadlineSeconds", "A job whose answer was lost ends at its deadline"),
    ("CheckIntervalSeconds", "MaxCheckIntervalSeconds", "The longest interval limits the first one as well"),
)
"""A parameter, the one that it must not exceed, and why."""
