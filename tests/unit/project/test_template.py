"""What the conventions say, held against template.yaml, the state machine, the settings and the code (style.md, habit 6)."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from local.conditions import Choices, UnknownCondition
from local.source import read_template
from suno_jobs import errors
from suno_jobs.jobs.schedule import DECISIONS as NEXT_STEPS
from suno_jobs.lifecycle.asset_files import QUARANTINE
from suno_jobs.lifecycle.lost_submission import LONG_SUBMIT_SECONDS, SUBMIT_SECONDS
from suno_jobs.runtime import settings
from suno_jobs.runtime.aws import SIGNING
from suno_jobs.runtime.routes import METHODS
from suno_jobs.steps.check_task import CHECK_SECONDS
from suno_jobs.steps.create_task import SYNCHRONOUS_SECONDS
from suno_jobs.storage.deletions import ERASE_AGAIN_SECONDS
from suno_jobs.traffic.client import CONNECT_SECONDS, REPLY_SECONDS
from suno_jobs.webhooks.deliveries import LEASE_SECONDS
from suno_jobs.webhooks.sender import TIMEOUT_SECONDS
from tests.unit.project.aws_calls import reachable_actions, read_code

ROOT = Path(__file__).parents[3]
TEMPLATE: dict[str, Any] = read_template(ROOT)
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]
MACHINE: dict[str, Any] = RESOURCES["SunoJobStateMachine"]["Properties"]
ASL_TEXT = (ROOT / MACHINE["DefinitionUri"]).read_text()
ASL: dict[str, Any] = json.loads(ASL_TEXT)
CODE = read_code(ROOT / "layers/core/python/suno_jobs")

DATA_TYPES = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"}
ERRORS_OF_AWS = re.compile(r"(States|Lambda|DynamoDb|DynamoDB|Sandbox|Runtime)\.\w+")
SMALL_WORDS = {"a", "and", "for", "in", "of", "the", "to"}


def of_type(*types: str) -> dict[str, dict[str, Any]]:
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] in types}


def all_states(machine: dict[str, Any] = ASL) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from all_states(state["ItemProcessor"])


def as_list(value: str | list[Any] | dict[str, Any]) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(properties: dict[str, Any], condition: str | None = None) -> list[dict[str, Any]]:
    """Those that hold always, or those that a condition adds."""
    policies = [policy.get("Fn::If", (None, policy)) for policy in properties.get("Policies", [])]
    return [statement for when, policy, *_ in policies if when == condition for statement in policy["Statement"]]


FUNCTIONS = of_type("AWS::Serverless::Function")
STATES = dict(all_states())
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
DECISIONS = {error.__name__ for error in NEXT_STEPS.values()}
CONTROL_FLOW = DECISIONS | {errors.TracksNotStored.__name__}


def folder_of(function: str) -> str:
    return Path(FUNCTIONS[function]["CodeUri"]).name


def variables_of(function: str) -> dict[str, Any]:
    found: dict[str, Any] = FUNCTIONS[function].get("Environment", {}).get("Variables", {})
    return found


CONFIGURED = [name for name in FUNCTIONS if variables_of(name)]


def settings_of(function: str) -> type[settings.Settings]:
    found: type[settings.Settings] = getattr(settings, f"{function.removesuffix('Function')}Settings")
    return found


# ------------------------------------------------------------------------------------------- functions


def test_every_folder_of_functions_is_deployed() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {folder_of(name) for name in FUNCTIONS} == folders


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_named_after_its_folder(name: str) -> None:
    camel_case = "".join(word.capitalize() for word in folder_of(name).split("_"))
    assert name == f"{camel_case}Function"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handler_stands_in_the_file(name: str) -> None:
    module, function = GLOBALS["Handler"].split(".")
    source = (ROOT / FUNCTIONS[name]["CodeUri"] / f"{module}.py").read_text()
    assert re.search(rf"^def {function}\(", source, re.MULTILINE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_says_its_limits_and_its_purpose(name: str) -> None:
    assert FUNCTIONS[name].keys() >= {"Timeout", "MemorySize", "Description"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_logs_to_a_group_of_its_own_with_retention(name: str) -> None:
    group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]
    assert group == f"{name.removesuffix('Function')}LogGroup"
    assert GLOBALS["LoggingConfig"]["LogFormat"] == "JSON"


def test_every_log_group_has_a_retention() -> None:
    for name, group in of_type("AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


def test_logs_that_aws_delivers_have_the_prefix_for_them() -> None:
    """Without it, CloudWatch adds each group to one policy of the account, which is full after some stacks."""
    destinations = {
        RESOURCES["HttpApi"]["Properties"]["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0],
        MACHINE["Logging"]["Destinations"][0]["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0],
    }
    delivered = of_type("AWS::Logs::LogGroup").keys() - {
        each["LoggingConfig"]["LogGroup"]["Ref"] for each in FUNCTIONS.values()
    }
    assert destinations == delivered
    for name in delivered:
        assert RESOURCES[name]["Properties"]["LogGroupName"]["Fn::Sub"].startswith("/aws/vendedlogs/"), name


@pytest.mark.parametrize("name", CONFIGURED)
def test_environment_is_what_the_settings_read(name: str) -> None:
    variables = set(variables_of(name))
    assert variables == {variable.upper() for variable in settings_of(name).variables()}


def test_every_settings_class_belongs_to_a_function() -> None:
    subclasses = {cls for cls in vars(settings).values() if isinstance(cls, type) and issubclass(cls, settings.Settings)}
    assert {settings_of(name) for name in CONFIGURED} == subclasses - {settings.Settings}


@pytest.mark.parametrize("name", CONFIGURED)
def test_settings_load_from_the_defaults_of_the_parameters(name: str) -> None:
    def text(value: Any) -> str:
        parameter = TEMPLATE["Parameters"].get(value.get("Ref"), {})
        return str(parameter.get("Default", "name-or-arn"))

    environment = {key: text(value) for key, value in variables_of(name).items()}
    settings_of(name)(environment)


def test_core_layer_is_built_from_the_folder_that_is_called_python() -> None:
    """layers/core would build python/python, which fails only on Lambda."""
    content = ROOT / RESOURCES["CoreLayer"]["Properties"]["ContentUri"]
    assert content.name == "python"
    assert (content / "suno_jobs/__init__.py").is_file()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_name_leads_through_everything(name: str) -> None:
    folder = folder_of(name)
    assert (ROOT / f"layers/core/python/suno_jobs/steps/{folder}.py").is_file()
    assert (ROOT / f"tests/unit/steps/test_{folder}.py").is_file()
    assert list((ROOT / "events" / folder).glob("*.json"))
    log_group = RESOURCES[FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]["LogGroupName"]
    assert log_group == {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}-{folder.replace('_', '-')}"}
    states = {state for state, task in TASKS.items() if task["Parameters"].get("FunctionName") == f"${{{name}Arn}}"}
    assert states <= {folder.replace("_", " ").title()}


def test_every_step_belongs_to_a_function() -> None:
    steps = {path.stem for path in (ROOT / "layers/core/python/suno_jobs/steps").glob("[!_]*.py")}
    assert steps == {folder_of(name) for name in FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_serves_the_routes_that_the_template_gives_it(name: str) -> None:
    assert served(ROOT / FUNCTIONS[name]["CodeUri"] / "app.py") == routes_of(name) - {("ANY", "$default")}


DEFINITION = RESOURCES["HttpApi"]["Properties"]["DefinitionBody"]
CALLBACK = "/v1/callbacks/{gateway}/{job_id}/{mac}"
QUEUE_ROUTES = {("POST", CALLBACK), ("POST", f"{CALLBACK}/signed")}


def routes_of(function: str) -> set[tuple[str, str]]:
    events = (event["Properties"] for event in FUNCTIONS[function].get("Events", {}).values() if event["Type"] == "HttpApi")
    return {(event["Method"], event["Path"]) for event in events}


def test_where_there_is_get_there_is_head() -> None:
    for name in FUNCTIONS:
        methods = {(method, path) for method, path in routes_of(name) if method in ("GET", "HEAD")}
        assert methods == {(method, path) for _, path in methods for method in ("GET", "HEAD")}, name


def test_the_methods_of_a_path_are_those_of_the_template() -> None:
    routes = {route for name in FUNCTIONS for route in routes_of(name)} - {("ANY", "$default")} | QUEUE_ROUTES
    wanted = {path: {"OPTIONS"} | {method for method, each in routes if each == path} for _, path in routes}
    assert {path: set(methods) for path, methods in METHODS.items()} == wanted


def served(app: Path) -> set[tuple[str, str]]:
    """The routes of the resolver in this file, in the template's notation."""
    spec = importlib.util.spec_from_file_location(f"routes_of_{app.parent.name}", app)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    resolver: APIGatewayHttpResolver | None = getattr(module, "app", None)
    routes = [*resolver._static_routes, *resolver._dynamic_routes] if resolver else []
    return {(route.method, re.sub(r"<(\w+)>", r"{\1}", route.path)) for route in routes}


# -------------------------------------------------------------------------------- permissions and data


@pytest.mark.parametrize("name", [*FUNCTIONS, "SunoJobStateMachine"])
def test_permissions_name_actions_and_resources(name: str) -> None:
    for statement in statements(RESOURCES[name]["Properties"]):
        assert not any("*" in action for action in as_list(statement["Action"])), statement
        # CloudWatch Logs knows no resources for log delivery; this one statement cannot be narrower.
        if statement.get("Sid") != "LogDelivery":
            assert "*" not in as_list(statement["Resource"]), statement


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_may_use_what_its_environment_names(name: str) -> None:
    """A permission without the variable, or the variable without a permission, is a mistake in one of the two."""
    permitted = json.dumps(statements(FUNCTIONS[name]))
    for variable, value in variables_of(name).items():
        if variable.endswith(("_TABLE", "_BUCKET", "_SECRET_ARN", "_BUS_NAME")):
            assert value["Ref"] in permitted, variable
    for resource in of_type(*DATA_TYPES):
        if resource in permitted:
            assert {"Ref": resource} in variables_of(name).values(), resource


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_may_do_what_its_code_does_and_no_more(name: str) -> None:
    own = [statement for statement in statements(FUNCTIONS[name]) if statement.get("Sid") != EVENT_SOURCE]
    granted = {action for statement in own for action in as_list(statement["Action"])}
    assert granted - {"kms:Decrypt"} == reachable_actions(CODE, ROOT / FUNCTIONS[name]["CodeUri"] / "app.py")


EVENT_SOURCE = "EventSource"
"""What Lambda does in the name of the function: it reads the queue."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_may_use_the_key_of_the_assets_for_what_it_does_with_them(name: str) -> None:
    """S3 asks KMS in the name of whoever reads or puts; a key that nobody may use for more than that is no danger."""
    assets = [each for each in statements(FUNCTIONS[name]) if "AssetsBucket" in json.dumps(each["Resource"])]
    actions = {action for statement in assets for action in as_list(statement["Action"])}
    through_s3 = {"kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"}}
    reading = [each for each in statements(FUNCTIONS[name]) if each["Action"] == "kms:Decrypt"]
    assert len(reading) == ("s3:GetObject" in actions)
    for statement in reading:
        # Files stay readable that an earlier key encrypted, and no others.
        files = {"kms:EncryptionContext:aws:s3:arn": {"Fn::Sub": "${AssetsBucket.Arn}*"}}
        assert statement["Condition"] == {"StringEquals": through_s3, "StringLike": files}
    writing = statements(FUNCTIONS[name], "HasAssetsKey")
    assert [each["Action"] for each in writing] == ["kms:GenerateDataKey"] * ("s3:PutObject" in actions)
    for statement in writing:
        assert statement["Resource"] == {"Ref": "AssetsKmsKeyArn"}
        assert statement["Condition"] == {"StringEquals": through_s3}


def test_largest_audio_fits_into_the_temporary_storage() -> None:
    storage = FUNCTIONS["StoreTrackFunction"]["EphemeralStorage"]["Size"] * 1024**2
    assert TEMPLATE["Parameters"]["MaxAudioBytes"]["MaxValue"] < storage


def test_an_intent_counts_as_dead_when_its_function_can_no_longer_run() -> None:
    timeout = FUNCTIONS["CreateTaskFunction"]["Timeout"]
    assert REPLY_SECONDS + CONNECT_SECONDS < SUBMIT_SECONDS
    assert SYNCHRONOUS_SECONDS + CONNECT_SECONDS < timeout < LONG_SUBMIT_SECONDS
    assert FUNCTIONS["CheckTaskFunction"]["Timeout"] <= CHECK_SECONDS


def test_a_deleted_job_is_erased_again_when_no_function_that_knew_it_can_still_run() -> None:
    longest = max(function["Timeout"] for function in FUNCTIONS.values())
    assert longest + UPLOAD_SECONDS <= ERASE_AGAIN_SECONDS


def test_data_is_retained_and_recoverable() -> None:
    for name, resource in RESOURCES.items():
        if resource["Type"] in DATA_TYPES:
            # Not if its stack could not be created: it would be in the way of the next attempt.
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain"), name
    for name, table in of_type("AWS::DynamoDB::Table").items():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert table["SSESpecification"] == {"SSEEnabled": True}, name
        assert table["DeletionProtectionEnabled"], name


def test_what_outlives_its_stack_has_no_name_that_a_new_stack_would_need() -> None:
    """CloudFormation gives each a name of its own, so a stack can be deleted and created again."""
    for name, resource in RESOURCES.items():
        if resource["Type"] in DATA_TYPES:
            assert resource["Properties"].keys().isdisjoint({"TableName", "BucketName", "Name"}), name


def test_secrets_hold_no_value_that_a_later_deployment_would_write_again() -> None:
    for name, secret in of_type("AWS::SecretsManager::Secret").items():
        assert "SecretString" not in secret, name


def test_buckets_are_private_encrypted_and_tls_only() -> None:
    policies = {policy["Bucket"]["Ref"]: policy for policy in of_type("AWS::S3::BucketPolicy").values()}
    for name, bucket in of_type("AWS::S3::Bucket").items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert bucket["BucketEncryption"], name
        statement, *further = policies[name]["PolicyDocument"]["Statement"]
        assert [each["Fn::If"][0] for each in further] == (["HasDistribution"] * 2 if name == "AssetsBucket" else [])
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert {"Fn::GetAtt": [name, "Arn"]} in statement["Resource"]
        assert {"Fn::Sub": f"${{{name}.Arn}}/*"} in statement["Resource"]


def test_assets_never_lie_open_through_cloudfront() -> None:
    (distribution,) = of_type("AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    assert "CacheBehaviors" not in config
    assert config["DefaultCacheBehavior"]["TrustedKeyGroups"] == [{"Ref": "AssetsKeyGroupId"}]
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "https-only"
    (origin,) = config["Origins"]
    assert origin["OriginAccessControlId"] == {"Fn::GetAtt": ["AssetsOriginAccess", "Id"]}
    (access,) = of_type("AWS::CloudFront::OriginAccessControl").values()
    assert access["OriginAccessControlConfig"]["SigningBehavior"] == "always"
    _, allowed, denied = RESOURCES["AssetsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    _, statement, otherwise = allowed["Fn::If"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")
    assert "distribution/${AssetsDistribution}" in str(statement["Condition"]["StringEquals"]["AWS:SourceArn"])
    assert otherwise == denied["Fn::If"][2] == {"Ref": "AWS::NoValue"}
    assert denied["Fn::If"][1] == {**NO_QUARANTINE, "Sid": "NoQuarantine", "Principal": statement["Principal"]}


UPLOAD_SECONDS = 60
"""S3 answers an upload that it has received completely within this time (``UPLOAD_CONFIG``), even if its sender has died."""

NO_QUARANTINE = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": {"Fn::Sub": f"${{AssetsBucket.Arn}}/{QUARANTINE}/*"}}


def test_no_url_of_ours_can_lead_to_a_file_in_quarantine() -> None:
    """A presigned URL may do what the function may that signed it."""
    signing = [name for name in FUNCTIONS if "URL_LIFETIME_SECONDS" in variables_of(name)]
    assert signing == ["ReadJobsFunction"]
    assert NO_QUARANTINE in statements(FUNCTIONS["ReadJobsFunction"])


def test_files_in_quarantine_expire() -> None:
    rule = lifecycle(QuarantineDays="7")["expire-quarantine"]
    assert (rule["Prefix"], rule["ExpirationInDays"], rule["Status"]) == (f"{QUARANTINE}/", "7", "Enabled")


def test_what_cloudfront_needs_is_not_there_by_default() -> None:
    assert TEMPLATE["Parameters"]["AssetsKeyGroupId"]["Default"] == ""
    for kind in ("AWS::CloudFront::Distribution", "AWS::CloudFront::OriginAccessControl"):
        assert all(each["Condition"] == "HasDistribution" for each in RESOURCES.values() if each["Type"] == kind)
    assert TEMPLATE["Outputs"]["AssetsDistributionDomain"]["Condition"] == "HasDistribution"


def lifecycle(**parameters: str) -> dict[str, Any]:
    rules = Choices(TEMPLATE, parameters).made(RESOURCES["AssetsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"])
    return {rule["Id"]: rule for rule in rules}


def test_assets_stay_where_they_are_unless_somebody_says_so() -> None:
    assert set(lifecycle()) == {"abort-incomplete-uploads", "expire-deleted-versions", "expire-quarantine"}
    changed = lifecycle(AssetsTransitionDays="30", AssetsTransitionStorageClass="STANDARD_IA", AssetsExpireDays="365")
    assert changed["move-assets"]["Transitions"] == [{"TransitionInDays": "30", "StorageClass": "STANDARD_IA"}]
    assert changed["expire-assets"]["ExpirationInDays"] == "365"


def test_assets_are_encrypted_with_the_key_that_is_given() -> None:
    encryption = RESOURCES["AssetsBucket"]["Properties"]["BucketEncryption"]
    arn = "arn:aws:kms:eu-central-1:123456789012:key/1"
    by_default = Choices(TEMPLATE, {}).made(encryption)["ServerSideEncryptionConfiguration"]
    assert by_default == [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    assert Choices(TEMPLATE, {"AssetsKmsKeyArn": arn}).made(encryption)["ServerSideEncryptionConfiguration"] == [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}, "BucketKeyEnabled": True}
    ]


def test_links_work_for_every_storage_class_that_may_be_chosen() -> None:
    """Objects in GLACIER and DEEP_ARCHIVE have to be restored before they can be read."""
    at_once = {"STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR"}
    for name in ("AssetsStorageClass", "AssetsTransitionStorageClass"):
        assert set(TEMPLATE["Parameters"][name]["AllowedValues"]) <= at_once


# ---------------------------------------------------------------------------------- events and the API


def cors(**parameters: str) -> Any:
    """The configuration of the API."""
    return Choices(TEMPLATE, parameters).made(DEFINITION).get("x-amazon-apigateway-cors")


def test_no_page_in_a_browser_may_use_the_api_unless_its_origin_is_listed() -> None:
    assert cors() is None
    api = cors(CorsOrigins="https://app.example,https://b.example")
    assert api["allowOrigins"] == {"Fn::Split": [",", "https://app.example,https://b.example"]}
    assert "allowCredentials" not in api


def test_every_page_that_has_a_presigned_url_may_read_the_object() -> None:
    """Without credentials, as the console does, whose own origin the bucket cannot name."""
    [rule] = RESOURCES["AssetsBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == ["*"]
    assert set(rule["AllowedMethods"]) == {"GET", "HEAD"}
    distribution = RESOURCES["AssetsDistribution"]["Properties"]["DistributionConfig"]
    assert distribution["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == SIMPLE_CORS


SIMPLE_CORS = "60669652-455b-4ae9-85a4-c4c02393f86c"
"""CloudFront's managed policy: every origin, GET and HEAD."""


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_the_console_may_use_the_urls_that_the_api_presigns(region: str) -> None:
    s3 = boto3.client("s3", region_name=region, aws_access_key_id="ak", aws_secret_access_key="sk", config=SIGNING)
    url = urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": "assets", "Key": "song.mp3"}))
    values = {"AssetsBucket": "assets", "AWS::Region": region, "AWS::URLSuffix": "amazonaws.com"}
    text = variables_of("ServeConsoleFunction")["ASSETS_ORIGINS"]["Fn::Sub"]
    origins = re.sub(r"\$\{([\w:]+)\}", lambda name: values[name[1]], text).split()
    assert f"{url.scheme}://{url.netloc}" in origins


def test_a_page_may_use_every_method_of_the_api() -> None:
    api = cors(CorsOrigins="*")
    assert set(api["allowMethods"]) >= {method for methods in METHODS.values() for method in methods} - {"OPTIONS"}


@pytest.mark.parametrize("text", ["", "*", "https://app.example", "http://localhost:3000,https://app.example"])
def test_origins_are_listed_with_commas(text: str) -> None:
    assert re.search(TEMPLATE["Parameters"]["CorsOrigins"]["AllowedPattern"], text)


@pytest.mark.parametrize(
    "text", ["app.example", "https://app.example/", "https://a.example, https://b.example", "*,https://a.example"]
)
def test_other_origins_are_refused_by_the_template(text: str) -> None:
    assert not re.search(TEMPLATE["Parameters"]["CorsOrigins"]["AllowedPattern"], text)


def test_asynchronous_invocations_have_a_dead_letter_queue() -> None:
    queues = of_type("AWS::SQS::Queue")
    for name, function in FUNCTIONS.items():
        events = [event for event in function.get("Events", {}).values() if event["Type"] != "HttpApi"]
        for event in events:
            assert event["Properties"]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] in queues, name
            failed = function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
            assert failed["Destination"]["Fn::GetAtt"][0] in queues, name
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())


def test_callbacks_are_put_into_a_queue_without_a_function() -> None:
    """Nothing that Lambda does can lose one."""
    paths = DEFINITION["paths"]
    assert {(method.upper(), path) for path, operations in paths.items() for method in operations} == QUEUE_ROUTES
    [role] = of_type("AWS::IAM::Role").values()
    [statement] = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", {"Fn::GetAtt": ["CallbackQueue", "Arn"]})
    for path in paths.values():
        assert path["post"]["security"] == [{"NONE": []}]
        integration = path["post"]["x-amazon-apigateway-integration"]
        assert integration["credentials"] == {"Fn::GetAtt": ["CallbackSenderRole", "Arn"]}
        assert integration["requestParameters"]["QueueUrl"] == {"Ref": "CallbackQueue"}
        assert integration["requestParameters"]["MessageBody"] == "$request.body"


def test_a_header_is_mapped_only_where_it_is_always_sent() -> None:
    """API Gateway refuses a request that lacks a value to be mapped; most gateways send no signature."""
    mapped = {
        path: each["post"]["x-amazon-apigateway-integration"]["requestParameters"]["MessageAttributes"]
        for path, each in DEFINITION["paths"].items()
    }
    assert "request.header" not in mapped[CALLBACK]
    assert set(json.loads(mapped[CALLBACK])) == {"gateway", "job_id", "mac"}
    signature = {"x-webhook-signature", "x-webhook-timestamp"}
    assert set(json.loads(mapped[f"{CALLBACK}/signed"])) == {"gateway", "job_id", "mac"} | signature


def test_callbacks_and_files_of_the_console_are_throttled_apart_from_the_requests_of_clients() -> None:
    """A browser asks for some fifty files when it opens the console."""
    settings = RESOURCES["HttpApi"]["Properties"]["RouteSettings"]
    assert set(settings) == {f"{method} {path}" for method, path in QUEUE_ROUTES | {("GET", "/console/{file}")}}
    files = len(list((ROOT / "functions/serve_console/page").iterdir()))
    assert settings["GET /console/{file}"]["ThrottlingBurstLimit"] > 5 * files


def test_a_callback_that_fails_is_delivered_again_and_then_kept_for_as_long_as_sqs_can() -> None:
    mapping = of_type("AWS::Lambda::EventSourceMapping")["ReceiveCallbackMapping"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["CallbackQueue", "Arn"]}
    queues = of_type("AWS::SQS::Queue")
    queue = queues["CallbackQueue"]
    # AWS advises six times the timeout of the function.
    assert queue["VisibilityTimeout"] >= 6 * FUNCTIONS["ReceiveCallbackFunction"]["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["FailedCallbacksQueue", "Arn"]}
    # AWS advises five at least, since a throttled invocation counts as well.
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
    assert {each["MessageRetentionPeriod"] for name, each in queues.items() if name != "WebhookQueue"} == {14 * 86_400}


def test_a_delivery_outlasts_its_attempt_and_an_attempt_its_function() -> None:
    """Otherwise the sweep would send an event a second time while the first attempt is still made."""
    timeout = FUNCTIONS["DeliverWebhookFunction"]["Timeout"]
    assert TIMEOUT_SECONDS < timeout < LEASE_SECONDS
    assert RESOURCES["WebhookQueue"]["Properties"]["VisibilityTimeout"] >= 6 * timeout
    assert RESOURCES["DeliverWebhookMapping"]["Properties"]["BatchSize"] == 1


def test_without_a_key_the_functions_serve_documentation_and_the_console_only() -> None:
    open_routes = {
        (name, event["Properties"]["Method"], event["Properties"]["Path"])
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi" and "Auth" in event["Properties"]
    }
    # With a key, a wrong method would be a 401, and so would a browser's preflight request.
    serving = ("DescribeApiFunction", "ServeConsoleFunction")
    assert open_routes == {(name, *route) for name in serving for route in routes_of(name)}
    assert not any(statements(FUNCTIONS[name]) for name in serving)
    assert RESOURCES["HttpApi"]["Properties"]["Auth"]["DefaultAuthorizer"] == "ApiKey"


def test_access_log_holds_no_path() -> None:
    """The path of a callback holds its MAC (I9)."""
    log_format = RESOURCES["HttpApi"]["Properties"]["AccessLogSettings"]["Format"]
    assert "$context.routeKey" in json.loads(log_format).values()
    assert not re.search(r"\$context\.(path|\w*[Pp]arameter)", log_format)


def test_state_machine_log_holds_no_execution_data() -> None:
    """Execution data holds task tokens (I9)."""
    assert MACHINE["Logging"]["IncludeExecutionData"] is False


def test_every_parameter_is_described_and_used() -> None:
    text = (ROOT / "template.yaml").read_text()
    for name, parameter in TEMPLATE["Parameters"].items():
        assert parameter["Description"], name
        assert re.search(rf"(!Ref {name}\b|\${{{name}}})", text), name
        if parameter["Type"] == "Number":
            assert "AllowedValues" in parameter or parameter.keys() >= {"MinValue", "MaxValue"}, name


# --------------------------------------------------------------------------------------- state machine


def test_placeholders_and_substitutions_are_the_same() -> None:
    assert set(re.findall(r"\${(\w+)}", ASL_TEXT)) == set(MACHINE["DefinitionSubstitutions"])


def test_state_machine_may_invoke_just_the_functions_it_calls() -> None:
    called = {value["Ref"] for key, value in MACHINE["DefinitionSubstitutions"].items() if key.endswith("FunctionArn")}
    permitted = {
        resource["Ref"]
        for statement in statements(MACHINE)
        if statement["Action"] == "lambda:InvokeFunction"
        for resource in statement["Resource"]
    }
    assert permitted == called


def test_invoked_functions_stand_under_their_own_names() -> None:
    for placeholder, value in MACHINE["DefinitionSubstitutions"].items():
        if placeholder.endswith("FunctionArn"):
            assert value == {"Ref": f"{placeholder.removesuffix('Arn')}.Alias"}


@pytest.mark.parametrize("name", STATES)
def test_state_is_named_and_commented_as_agreed(name: str) -> None:
    state = STATES[name]
    assert all(word[0].isupper() or word in SMALL_WORDS for word in name.split()), name
    assert name.endswith("?") == (state["Type"] == "Choice")
    assert state["Comment"]
    if state["Type"] == "Fail":
        assert state["Error"]
        assert state["Cause"]


@pytest.mark.parametrize("name", TASKS)
def test_task_has_a_timeout(name: str) -> None:
    assert TASKS[name].keys() & {"TimeoutSeconds", "TimeoutSecondsPath"}


@pytest.mark.parametrize("name", TASKS)
def test_state_waits_longer_than_its_function_runs(name: str) -> None:
    """Otherwise the state gives up on a function that is still at work."""
    placeholder = TASKS[name]["Parameters"].get("FunctionName")
    if placeholder is not None:
        function = FUNCTIONS[placeholder.removeprefix("${").removesuffix("Arn}")]
        assert TASKS[name]["TimeoutSeconds"] > function["Timeout"]


@pytest.mark.parametrize("name", TASKS)
def test_retries_name_their_errors_and_end(name: str) -> None:
    for retry in TASKS[name].get("Retry", []):
        assert "States.ALL" not in retry["ErrorEquals"]
        assert (retry["MaxAttempts"] > 0) is not (set(retry["ErrorEquals"]) <= CONTROL_FLOW), "a decision is never repeated"
        assert retry["Comment"]


def test_every_decision_of_check_task_is_caught_before_anything_else() -> None:
    retry, catches = TASKS["Check Task"]["Retry"][0], TASKS["Check Task"]["Catch"][:-1]
    assert (set(retry["ErrorEquals"]), retry["MaxAttempts"]) == (DECISIONS, 0)
    assert {name for each in catches for name in each["ErrorEquals"]} == DECISIONS
    assert {each["ResultPath"] for each in catches} == {"$.decision"}


@pytest.mark.parametrize("name", TASKS)
def test_way_out_of_a_failed_task_is_recorded(name: str) -> None:
    assert TASKS[name]["Catch"]
    assert all(catch["Comment"] for catch in TASKS[name]["Catch"])


def test_nothing_catches_or_retries_everything_around_the_paid_call() -> None:
    """States.ALL there would hide that a task may exist, and a repetition could pay again (I1)."""
    handlers = [*TASKS["Create Task"]["Retry"], *TASKS["Create Task"]["Catch"]]
    assert not any("States.ALL" in handler["ErrorEquals"] for handler in handlers)
    assert not any(retry["ErrorEquals"] == ["States.TaskFailed"] for retry in TASKS["Create Task"]["Retry"])


def test_every_error_name_is_one_of_ours_or_of_aws() -> None:
    names = {
        name
        for state in STATES.values()
        for handler in [*state.get("Retry", []), *state.get("Catch", [])]
        for name in handler["ErrorEquals"]
    }
    ours = {name for name in names if not ERRORS_OF_AWS.fullmatch(name)} - UNANSWERED
    assert ours
    for name in ours:
        assert issubclass(getattr(errors, name), errors.SunoJobsError), name


def retried(state: str) -> set[str]:
    return {name for retry in STATES[state]["Retry"] if retry["MaxAttempts"] for name in retry["ErrorEquals"]}


def test_what_can_get_better_is_tried_again_and_what_needs_somebody_else_is_not() -> None:
    """A dead link gets better by Check Task, a track that is not stored by waiting."""
    assert "AssetNotReady" in retried("Store Track")
    assert not retried("Store Track") & {"AssetExpired", "AssetTooLarge"}


def retry_of(state: str, error: str) -> dict[str, Any] | None:
    """The retrier that Step Functions takes for an error of a function."""
    retries: list[dict[str, Any]] = STATES[state]["Retry"]
    return next((each for each in retries if {error, "States.TaskFailed"} & set(each["ErrorEquals"])), None)


@pytest.mark.parametrize("name", ["Check Task", "Finish Job"])
def test_every_failure_of_a_step_that_may_be_repeated_is_but_no_decision(name: str) -> None:
    for error in ("ManifestNotWritten", "EventNotSent", "JobNotFound", "KeyError", "NoCredentialsError", *UNANSWERED, *KILLED):
        retry = retry_of(name, error)
        assert retry, error
        assert retry["MaxAttempts"] > 0, error
    for decision in CONTROL_FLOW & {error for each in STATES[name]["Catch"] for error in each["ErrorEquals"]}:
        retry = retry_of(name, decision)
        assert retry, decision
        assert retry["MaxAttempts"] == 0, decision


def test_every_error_of_dynamodb_is_retried_but_the_one_that_is_an_answer() -> None:
    """The SDK integration calls an error DynamoDbException that has no class of its own, such as a throttled key range."""
    names = {"ThrottlingException", "InternalServerErrorException", "DynamoDbException", "SdkClientException"}
    assert {f"DynamoDb.{name}" for name in names} <= retried("Await Signal")
    assert "DynamoDb.ConditionalCheckFailedException" not in retried("Await Signal")


UNANSWERED = {
    "ClientError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "EndpointConnectionError",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "ReadTimeoutError",
    "RequestLimitExceeded",
    "ThrottlingException",
}
"""The exceptions of boto3 for a throttled or unanswered call: those of DynamoDB by name, those of S3 as ClientError."""


@pytest.mark.parametrize("name", ["Check Task", "Store Track", "Finish Job"])
def test_a_throttled_function_is_repeated_at_once(name: str) -> None:
    """Otherwise its job waits for the sweep."""
    assert retried(name) >= UNANSWERED or "States.TaskFailed" in retried(name)


INVOKING = [name for name, task in TASKS.items() if "FunctionName" in task["Parameters"]]


@pytest.mark.parametrize("name", INVOKING)
def test_a_throttled_invocation_is_repeated_for_minutes_at_random_intervals(name: str) -> None:
    """Without jitter, all jobs that were throttled together would be throttled together again."""
    retries = [each for each in STATES[name]["Retry"] if "Lambda.TooManyRequestsException" in each["ErrorEquals"]]
    [retry] = retries
    assert retry["JitterStrategy"] == "FULL"
    longest = [retry["IntervalSeconds"] * retry["BackoffRate"] ** number for number in range(retry["MaxAttempts"])]
    assert sum(min(each, retry["MaxDelaySeconds"]) for each in longest) / 2 > 400


def reserved(**parameters: str) -> dict[str, str]:
    choices = Choices(TEMPLATE, parameters)
    found = {name: choices.made(each).get("ReservedConcurrentExecutions") for name, each in FUNCTIONS.items()}
    return {name: value for name, value in found.items() if value is not None}


def test_only_waiting_requests_have_reserved_concurrency_by_default() -> None:
    assert reserved() == {"WaitForJobFunction": "10"}


def test_concurrency_is_reserved_on_request() -> None:
    assert reserved(AuthorizeConcurrency="3", CallbackConcurrency="4", StoreTrackConcurrency="5") == {
        "AuthorizeFunction": "3",
        "ReceiveCallbackFunction": "4",
        "StoreTrackFunction": "5",
        "WaitForJobFunction": "10",
    }


KILLED = {
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "Runtime.Unknown",
    "Sandbox.Failure",
    "Sandbox.Timedout",
}
"""What Step Functions reports when the environment of a function dies: the error type in Lambda's answer, or Lambda.Unknown if
the answer has none."""


@pytest.mark.parametrize("name", ["Check Task", "Store Track", "Finish Job"])
def test_a_killed_function_is_repeated_at_once(name: str) -> None:
    """Otherwise its job waits for the sweep."""
    assert retried(name) >= KILLED or {"States.Timeout", "States.TaskFailed"} <= retried(name)


def test_a_killed_submission_is_left_to_check_task() -> None:
    """The task may exist (I1)."""
    [caught] = TASKS["Create Task"]["Catch"]
    assert not KILLED & retried("Create Task")
    assert (caught["ErrorEquals"], caught["Next"]) == (["States.Timeout", "States.TaskFailed"], "Pause")


def test_emulator_spelling_is_caught_beside_the_one_of_aws() -> None:
    caught = TASKS["Await Signal"]["Catch"][0]["ErrorEquals"]
    assert {"DynamoDb.ConditionalCheckFailedException", "DynamoDB.ConditionalCheckFailedException"} <= set(caught)
    assert {"States.Timeout", "States.HeartbeatTimeout"} <= set(caught)


def test_machine_ends_and_no_deadline_outlives_it() -> None:
    assert ASL["Comment"]
    assert ASL["TimeoutSeconds"] > TEMPLATE["Parameters"]["JobDeadlineSeconds"]["MaxValue"]


def test_a_condition_that_the_local_stack_does_not_know_is_an_error() -> None:
    with pytest.raises(UnknownCondition, match="Fn::Or"):
        Choices(TEMPLATE, {}).holds({"Fn::Or": []})
