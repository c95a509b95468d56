"""The artefact itself: what `make bundle` built is imported with Lambda's own path and inspected.

.aws-sam/host is built for this machine and can be imported; .aws-sam/build is deployed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.source import read_template

ROOT = Path(__file__).parents[2]
HOST = ROOT / ".aws-sam/host"
DEPLOYED = ROOT / ".aws-sam/build"
PROBE = Path(__file__).with_name("probe.py")
LAYERS = ("CoreLayer", "DependenciesLayer")

TEMPLATE: dict[str, Any] = read_template(ROOT)
FUNCTIONS: dict[str, dict[str, Any]] = {
    name: resource["Properties"]
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
HANDLER: str = TEMPLATE["Globals"]["Function"]["Handler"]
DEPENDENCIES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]

EVERY_ARTEFACT = [*FUNCTIONS, *LAYERS]
# They notice a package that got into the wrong layer. Our own code and its bytecode have about 1.1 MB, a tenth of them for
# webhooks; Lambda takes 50 MB.
COMPRESSED_LIMITS = {
    "CoreLayer": 1_250_000,
    "DependenciesLayer": 15_000_000,
    "DescribeApiFunction": 40_000,
    "ServeConsoleFunction": 150_000,
}
SERVED = {"DescribeApiFunction": {"openapi.json"}, "ServeConsoleFunction": {"page"}}

# botocore's names where they differ from the prefix of an IAM action
SERVICES = {"states": "stepfunctions"}


def layer_path(layer: str) -> Path:
    return HOST / layer / "python"


def run_probe(path: list[Path], *what: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Imports ``what`` from ``path`` in a process with only the standard library and Lambda's own variables."""
    environment = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "LANG": "C.UTF-8", **(variables or {})}
    command = [sys.executable, "-I", "-S", "-B", str(PROBE), ":".join(map(str, path)), *what]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def run_handler(function: str, core: Path, dependencies: Path) -> subprocess.CompletedProcess[str]:
    variables = dict.fromkeys(FUNCTIONS[function].get("Environment", {}).get("Variables", {}), "1")
    return run_probe([HOST / function, core, dependencies], f"handler:{HANDLER}", variables=variables)


def without(package: str, folder: Path, target: Path) -> Path:
    """The layer folder without one package."""
    target.mkdir()
    for entry in folder.iterdir():
        if entry.name.partition(".")[0] != package:
            (target / entry.name).symlink_to(entry)
    return target


def import_name(requirement: str) -> str:
    return requirement.replace("-", "_")


def granted_services() -> list[str]:
    """botocore's names of all services for which some function has a permission, except KMS and event sources: S3 calls the one
    and Lambda reads the others, but our code does not."""
    policies = [policy for f in FUNCTIONS.values() for policy in f.get("Policies", []) if "Fn::If" not in policy]
    statements = [s for policy in policies for s in policy["Statement"] if s.get("Sid") != "EventSource"]
    actions = [a for s in statements for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])]
    prefixes = {action.partition(":")[0] for action in actions}
    return sorted(SERVICES.get(prefix, prefix) for prefix in prefixes - {"kms"})


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_handler_imports_from_the_build(function: str) -> None:
    result = run_handler(function, layer_path("CoreLayer"), layer_path("DependenciesLayer"))
    assert result.returncode == 0, result.stderr


def test_every_module_imports_from_the_layers() -> None:
    """Including modules that a handler imports only when it needs them."""
    result = run_probe([layer_path("CoreLayer"), layer_path("DependenciesLayer")], "package:suno_jobs")
    assert result.returncode == 0, result.stderr


def test_clients_of_all_granted_services_can_be_made() -> None:
    """The build removes botocore's description of every AWS service that it does not list."""
    result = run_probe([layer_path("DependenciesLayer")], *(f"client:{service}" for service in granted_services()))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("requirement", DEPENDENCIES)
def test_missing_dependency_is_detected(requirement: str, tmp_path: Path) -> None:
    """Proves that the tests above can fail, and that no unused dependency is shipped: a module or an entry point needs it."""
    package = import_name(requirement)
    dependencies = without(package, layer_path("DependenciesLayer"), tmp_path / "python")
    path = [HOST / "SubmitJobFunction", layer_path("CoreLayer"), dependencies]
    result = run_probe(path, "package:suno_jobs", f"handler:{HANDLER}")
    assert result.returncode != 0
    assert f"No module named '{package}" in result.stderr


@pytest.mark.parametrize("function", [name for name, each in FUNCTIONS.items() if "Policies" in each])
def test_missing_boto3_is_detected_in_every_function_that_calls_aws(function: str, tmp_path: Path) -> None:
    dependencies = without("botocore", layer_path("DependenciesLayer"), tmp_path / "python")
    result = run_handler(function, layer_path("CoreLayer"), dependencies)
    assert result.returncode != 0
    assert "No module named 'botocore" in result.stderr


FULL_CPU_MB = 1769
"""Lambda gives a function as many CPUs as its memory has multiples of this."""
VARIABLES = {
    "AUTO_GATEWAYS": "ttapi",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "POWERTOOLS_SERVICE_NAME": "suno-jobs",
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_in_less_than_half_its_timeout(function: str) -> None:
    """At its memory, without the extra CPU that Lambda gives while a function initialises: with its imports and its clients."""
    variables = dict.fromkeys(FUNCTIONS[function].get("Environment", {"Variables": ()})["Variables"], "1") | VARIABLES
    path = [HOST / function, layer_path("CoreLayer"), layer_path("DependenciesLayer")]
    before = cpu_seconds()
    result = run_probe(path, f"handler:{HANDLER}", variables=variables)
    assert result.returncode == 0, result.stderr
    used = cpu_seconds() - before
    assert used * FULL_CPU_MB / FUNCTIONS[function]["MemorySize"] < FUNCTIONS[function]["Timeout"] / 2


def cpu_seconds() -> float:
    """Of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("function", FUNCTIONS)
def test_layer_one_folder_too_deep_is_detected(function: str, tmp_path: Path) -> None:
    """ContentUri layers/core would produce python/python/suno_jobs, which fails only on Lambda."""
    (tmp_path / "python").symlink_to(layer_path("CoreLayer"))
    result = run_handler(function, tmp_path, layer_path("DependenciesLayer"))
    assert result.returncode != 0
    assert "No module named 'suno_jobs" in result.stderr


def test_a_build_to_deploy_fails_without_bytecode(tmp_path: Path) -> None:
    folder = f"ARTIFACTS_DIR={tmp_path}"
    command = ["make", "-f", str(ROOT / "packaging/Makefile"), "build-CoreLayer", folder, "PYTHON313=false"]
    result = subprocess.run(command, cwd=ROOT / "layers/core/python", capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode != 0
    assert "Python 3.13 compiles the bytecode for Lambda, and was not found" in result.stderr


def test_build_of_the_wrong_layer_folder_fails(tmp_path: Path) -> None:
    command = ["make", "-f", str(ROOT / "packaging/Makefile"), "build-CoreLayer", f"ARTIFACTS_DIR={tmp_path}", "BUILD_FOR=host"]
    result = subprocess.run(command, cwd=ROOT / "layers/core", capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode != 0
    assert "suno_jobs" in result.stderr


@pytest.mark.parametrize("build", [HOST, DEPLOYED], ids=["host", "deployed"])
def test_core_layer_contains_only_our_package_without_the_operators_commands(build: Path) -> None:
    source = ROOT / "layers/core/python/suno_jobs"
    ours = {path.relative_to(source.parent) for path in files(source)}
    expected = {path for path in ours if not {"__pycache__", "cli"} & set(path.parts)}
    layer = build / "CoreLayer/python"
    assert {path.relative_to(layer) for path in files(layer) if "__pycache__" not in path.parts} == expected


@pytest.mark.parametrize("build", [HOST, DEPLOYED], ids=["host", "deployed"])
def test_functions_contain_only_their_entry_point_and_what_it_serves(build: Path) -> None:
    for function in FUNCTIONS:
        names = {path.name for path in (build / function).iterdir() if path.name != "__pycache__"}
        assert names == {"app.py", *SERVED.get(function, ())}, function


@pytest.mark.parametrize("build", [HOST, DEPLOYED], ids=["host", "deployed"])
def test_the_console_is_shipped_as_it_is(build: Path) -> None:
    shipped, source = build / "ServeConsoleFunction/page", ROOT / "functions/serve_console/page"
    assert {path.name: path.read_bytes() for path in files(shipped)} == {path.name: path.read_bytes() for path in files(source)}


@pytest.mark.parametrize("build", [HOST, DEPLOYED], ids=["host", "deployed"])
def test_dependencies_layer_contains_only_the_pinned_packages(build: Path) -> None:
    lines = (ROOT / "layers/dependencies/requirements.txt").read_text().splitlines()
    pinned = {line.partition("==")[0].replace("-", "_") for line in lines if "==" in line}
    shipped = {path.name.partition("-")[0] for path in (build / "DependenciesLayer/python").glob("*.dist-info")}
    assert shipped == pinned


def test_every_shipped_distribution_is_in_the_bill_of_materials_with_a_hash_that_is_pinned() -> None:
    pins = (ROOT / "layers/dependencies/requirements.txt").read_text()
    listed = json.loads((ROOT / ".aws-sam/sbom.cdx.json").read_text())["components"]
    shipped = {path.name for path in (DEPLOYED / "DependenciesLayer/python").glob("*.dist-info")}
    assert {f"{each['name'].replace('-', '_')}-{each['version']}.dist-info" for each in listed} == shipped
    for component in listed:
        entry = pins.partition(f"\n{component['name'].replace('_', '-')}=={component['version']} ")[2].partition("==")[0]
        assert f"--hash=sha256:{component['hashes'][0]['content']}" in entry, component["name"]


def test_every_shipped_distribution_brings_the_text_of_its_licence_and_is_in_the_table() -> None:
    rows = [line.strip("|").split("|") for line in (ROOT / ".aws-sam/licences.md").read_text().splitlines()]
    listed = {f"{name.strip().replace('-', '_')}-{version.strip()}" for name, version, *_ in rows}
    for info in (DEPLOYED / "DependenciesLayer/python").glob("*.dist-info"):
        assert info.name.removesuffix(".dist-info") in listed
        assert [path for path in files(info) if path.name.upper().startswith(("LICENSE", "COPYING"))], info.name


def contents(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time and hash of each file."""
    return {
        str(path.relative_to(folder)): (stat.st_mode, int(stat.st_mtime), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files(folder)
        for stat in [path.stat()]
    }


@pytest.mark.parametrize(
    ("artefact", "source"),
    [
        ("CoreLayer", "layers/core/python"),
        ("DependenciesLayer", "layers/dependencies"),
        ("DescribeApiFunction", "functions/describe_api"),
        ("ServeConsoleFunction", "functions/serve_console"),
    ],
)
def test_a_second_build_is_the_same_as_on_another_machine(artefact: str, source: str, tmp_path: Path) -> None:
    """In another folder, with another umask and time zone, and with an interpreter that has another path."""
    shutil.copytree(ROOT / source, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "venv").symlink_to(sys.prefix)
    python = tmp_path / "venv/bin/python"
    command = (
        f"umask 077; make -f {ROOT}/packaging/Makefile build-{artefact} ARTIFACTS_DIR={tmp_path}/built BUILD_PYTHON={python}"
    )
    environment = {**os.environ, "BUILD_FOR": "host", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}
    (tmp_path / "built").mkdir()
    subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path / "source", env=environment, check=True, timeout=300)
    assert contents(tmp_path / "built") == contents(HOST / artefact)


def test_native_code_is_for_lambda() -> None:
    libraries = [path for path in files(DEPLOYED) if ".so" in path.suffixes]
    assert libraries, "at least pydantic_core is native"
    for library in libraries:
        header = library.read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == 183, f"{library.name} is not for aarch64"
        assert "cpython-313-" in library.name or "abi3" in library.name


def check_bytecode(build: Path, tag: str) -> None:
    """Every module has bytecode of that Python version, which is valid whatever the modification time of its source."""
    for source in build.rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        assert compiled.is_file(), compiled
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, f"{compiled} is not unchecked-hash"
    assert {path.name.split(".")[-2] for path in build.rglob("*.pyc")} == {tag}


def test_bytecode_of_the_host_build_is_complete() -> None:
    assert sys.implementation.cache_tag is not None
    check_bytecode(HOST, sys.implementation.cache_tag)


def test_bytecode_of_the_deployed_build_is_complete_or_absent() -> None:
    if next(DEPLOYED.rglob("*.pyc"), None) is None:
        pytest.skip("built on a machine without Python 3.13")
    check_bytecode(DEPLOYED, "cpython-313")


def test_bytecode_names_the_paths_on_lambda() -> None:
    compiled = importlib.util.cache_from_source(str(HOST / "CoreLayer/python/suno_jobs/errors.py"))
    content = Path(compiled).read_bytes()
    assert b"/opt/python/suno_jobs/errors.py" in content
    assert bytes(ROOT) not in content


@pytest.mark.parametrize("artefact", EVERY_ARTEFACT)
def test_artefact_is_small(artefact: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Lambda's own limit is 50 MB for an upload; a cold start downloads and unpacks all of it."""
    folder = DEPLOYED / artefact
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files(folder):
            archive.write(path, path.relative_to(folder))
    compressed, unpacked = buffer.tell(), sum(path.stat().st_size for path in files(folder))
    with capsys.disabled():
        print(f"\n{artefact}: {compressed / 1e6:.2f} MB zipped, {unpacked / 1e6:.2f} MB unpacked", end=" ")
    assert compressed < COMPRESSED_LIMITS.get(artefact, 10_000)
