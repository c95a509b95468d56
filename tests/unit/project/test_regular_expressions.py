"""Every regular expression of the core takes time that is linear in its text. A quadratic one can outlast its function.

Each expression is applied to 128 KB of the text that is worst for it. A quadratic one takes about half a minute of processor
time, a linear one some milliseconds. The processor time of all together is limited, so that other processes have no influence.
"""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import suno_jobs
from suno_jobs.catalog import inputs, results
from suno_jobs.cli import redaction
from suno_jobs.gateways import parsing, sandbox, tracks
from suno_jobs.gateways import results as gateway_results
from suno_jobs.intake import adoption
from suno_jobs.jobs import identifiers, views
from suno_jobs.media import audio, flac, identity
from suno_jobs.network import ssrf_guard
from suno_jobs.runtime import conditional_requests, waiting
from suno_jobs.steps import authorize, submit_job
from suno_jobs.tenants import api_keys
from suno_jobs.traffic import callback_urls

CORE = Path(suno_jobs.__file__).parent
CHARACTERS = 128 * 1024
PROCESSOR_SECONDS = 2


def as_text(expression: re.Pattern[str] | re.Pattern[bytes]) -> re.Pattern[str]:
    """An expression for bytes as one for the text with the same code points."""
    pattern = expression.pattern
    return re.compile(pattern.decode("latin-1")) if isinstance(pattern, bytes) else re.compile(pattern, expression.flags)


def patterns_in(values: Iterable[object]) -> Iterator[re.Pattern[Any]]:
    """Those of a module, also where they are in a tuple."""
    for value in values:
        if isinstance(value, re.Pattern):
            yield value
        elif isinstance(value, tuple):
            yield from patterns_in(value)


WORST = {
    sandbox._MARKER.pattern: "[test:a",
    as_text(audio._VIDEO_CODEC).pattern: "\x86\x80V_",
    as_text(flac._TRAILER).pattern: "TAAPETAGE",
    as_text(flac._HEADER).pattern: "\xff\xf8\x10",
    authorize._BEARER.pattern: "Bearer !",
    api_keys._KEY.pattern: "sj_live_a",
    conditional_requests._OPAQUE_TAG.pattern: '"a',
    callback_urls._PATH.pattern: "/v1/callbacks/a",
    as_text(callback_urls._IN_REPLY).pattern: "/v1/callbacks/a",
    adoption.TASK_ID.pattern: "!",
    gateway_results._IN_PARENTHESES.pattern: "() ",
    as_text(identity._COMMENT).pattern: "made with suno;id=",
    as_text(identity._CREDENTIAL).pattern: "icontentIdx$00000000-",
    identifiers._TENANT.pattern: "a-",
    inputs._CONTROL_CHARACTER.pattern: "\r\n",
    views._URL.pattern: "http://a",
    waiting._WAIT.pattern: "wait ",
    parsing._DIGIT.pattern: "a",
    parsing._KEY.pattern: "key: ",
    parsing._TOKEN.pattern: "sk_",
    parsing._UUID.pattern: "00000000-",
    parsing._WEB.pattern: "?",
    results.POSITIONAL_TRACK_ID.pattern: "track-1",
    ssrf_guard._HOST_NAME.pattern: "a-",
    ssrf_guard._UNSAFE_IN_URL.pattern: "a",
    submit_job._KEY.pattern: "!",
    tracks._TRACK_ID.pattern: "a",
    redaction._SECRET_NAME.pattern: "key",
    r"(?<=[a-z0-9])(?=[A-Z])": "aA",
    r"\w+=\d{1,9}(\.\d{1,9})?": "a=1",
    r"[^\w.() -]+": "/",
    r"[^\w .()-]": "/",
}
_IN_RECEIPTS = ("http://a", "https%3A%2F%2F", "//a", "/v1/callbacks/a/", "?key", "-sj_a", "\nkey", '"key')
WORST |= {
    pattern.pattern: text
    for pattern, text in zip(patterns_in((redaction._IN_A_STRING, redaction._IN_NO_JSON)), _IN_RECEIPTS, strict=True)
}
"""The text whose repetition is the hardest for each expression. It comes close to a match, and closest at its end."""

APPLY = """
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1])))
for pattern, flags, text in json.load(sys.stdin):
    print(pattern, flush=True)
    expression = re.compile(pattern, flags)
    expression.sub("", text)
    expression.fullmatch(text)
"""


def expressions() -> Iterator[re.Pattern[str]]:
    """Those that a module compiles at import, and those that are written at the place of their use."""
    for module in pkgutil.walk_packages(suno_jobs.__path__, "suno_jobs."):
        values = vars(importlib.import_module(module.name)).values()
        yield from map(as_text, patterns_in(values))
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("re"), attr=name), args=[ast.Constant(str(pattern)), *_]):
                    if name != "compile":
                        yield re.compile(pattern)


def apply(texts: list[tuple[str, int, str]]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", APPLY, str(PROCESSOR_SECONDS)]
    return subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=False)


def repeated(text: str) -> str:
    return text * (CHARACTERS // len(text))


def test_every_expression_takes_linear_time() -> None:
    found = {each.pattern: each.flags for each in expressions()}
    assert set(found) == set(WORST), "give the worst text of each expression"
    done = apply([(pattern, flags, repeated(WORST[pattern])) for pattern, flags in found.items()])
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_a_quadratic_expression_is_noticed() -> None:
    done = apply([("(https?://[^\\s?#]+)[?#]\\S*", 0, repeated("http://a"))])
    assert done.returncode != 0


def test_the_linear_search_for_a_query_finds_what_the_quadratic_one_finds() -> None:
    specification = re.compile(r"(?i)://|:\\+/|^www\.|\?[^\s]*=")
    for parts in product(("?", "=", "a", " ", ":", "/"), repeat=6):
        text = "".join(parts)
        assert bool(parsing._WEB.search(text)) is bool(specification.search(text)), text
