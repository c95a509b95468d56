import pytest

from suno_jobs.runtime.settings import FinishJobSettings, SubmitJobSettings

ENVIRONMENT = {
    "JOBS_TABLE": "jobs",
    "WAIT_FUNCTION": "wait-for-job",
    "STATE_MACHINE_ARN": "arn",
    "JOB_DEADLINE_SECONDS": "5",
    "MAX_CHECK_INTERVAL_SECONDS": "60",
    "AUTO_GATEWAYS": "crun",
    "GATEWAY_ACCOUNTS_SECRET_ARN": "secret",
    "AMBIGUOUS_SUBMIT_POLICY": "fail",
}


def test_settings_come_from_the_environment_with_their_types() -> None:
    settings = SubmitJobSettings(ENVIRONMENT)
    assert list(vars(settings).values()) == ["jobs", "wait-for-job", "arn", 5, 60, "crun", "secret", "fail"]


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(KeyError, match="EVENT_BUS_NAME"):
        FinishJobSettings({"JOBS_TABLE": "jobs", "WEBHOOK_QUEUE_URL": "queue", "ASSETS_BUCKET": "assets"})


@pytest.mark.parametrize("text", ["", "five", "-1", "1.5", "²"])
def test_a_variable_that_is_not_a_number_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="JOB_DEADLINE_SECONDS"):
        SubmitJobSettings({**ENVIRONMENT, "JOB_DEADLINE_SECONDS": text})
