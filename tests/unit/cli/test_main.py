import io
import json
from types import SimpleNamespace

import boto3

from suno_jobs.cli.main import main
from suno_jobs.steps.authorize import find_tenant
from tests.world import API_KEYS_TABLE


def run(*arguments: str) -> str:
    out = io.StringIO()
    assert main(arguments, out) == 0
    return out.getvalue().strip()


def test_a_created_key_belongs_to_its_tenant_and_is_not_stored(aws: SimpleNamespace) -> None:
    aws.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    key = run("create-key", "acme", "--table", "keys")
    assert find_tenant(aws.dynamodb, "keys", f"Bearer {key}") == "acme"
    assert key not in str(aws.dynamodb.scan(TableName="keys")["Items"])
    assert run("create-key", "acme", "--table", "keys") != key


def test_a_rotation_keeps_the_previous_secret_for_callbacks_in_flight(aws: SimpleNamespace) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="callback", SecretString='{"current": "one", "previous": "", "kie_webhook_key": "k"}')
    run("rotate-callback-secret", "--secret", "callback")
    values = json.loads(secrets.get_secret_value(SecretId="callback")["SecretString"])
    assert (values["previous"], values["kie_webhook_key"]) == ("one", "k")
    assert len(values["current"]) >= 32
    assert values["current"] != "one"
