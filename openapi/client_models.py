"""The types of the Python client, generated from the document by datamodel-code-generator."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from openapi.document import document
from openapi.schemas import Json, references

FOLDER = Path(__file__).parents[1] / "client/suno_jobs_client"
_HEADER = '"""{what} Generated from docs/openapi.json by `make docs`."""'
_METHODS = frozenset({"delete", "get", "patch", "post", "put"})
_BOTH = (
    "--input-file-type=openapi",
    "--target-python-version=3.11",
    "--use-union-operator",
    "--collapse-root-models",
    "--formatters=builtin",
)
# A client may be older than the service: an answer may have fields and words that it does not know.
_ANSWERS = (
    "--output-model-type=pydantic_v2.BaseModel",
    "--extra-fields=allow",
    "--ignore-enum-constraints",
    "--use-annotated",
    "--type-mappings=string+uri=string",
    "--use-schema-description",
    "--use-field-description",
)
_REQUESTS = (
    "--output-model-type=typing.TypedDict",
    "--no-use-closed-typed-dict",
    "--enum-field-as-literal=all",
    "--use-schema-description",
)


def modules() -> dict[str, str]:
    """The text of each generated module, by its file name."""
    made = document()
    operations = [each for path in made["paths"].values() for method, each in path.items() if method in _METHODS]
    sent = [each.get("requestBody", {}) for each in operations]
    answered = [answer for each in operations for status, answer in each["responses"].items() if status.startswith("2")]
    return {
        "models.py": _generate(made, answered, _HEADER.format(what="What the service answers."), _ANSWERS),
        "requests.py": _generate(made, sent, _HEADER.format(what="What a client sends."), _REQUESTS),
    }


def _generate(made: Json, bodies: Iterable[Json], header: str, options: Iterable[str]) -> str:
    schemas = made["components"]["schemas"]
    used = {name: schemas[name] for name in schemas if name in _reachable(schemas, bodies)}
    part = {"openapi": made["openapi"], "info": made["info"], "paths": {}, "components": {"schemas": used}}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "part.json"), Path(folder, "made.py")
        source.write_text(json.dumps(part), "utf-8")
        command = [sys.executable, "-m", "datamodel_code_generator", f"--input={source}", f"--output={target}"]
        subprocess.run([*command, f"--custom-file-header={header}", *_BOTH, *options], check=True, cwd=folder)
        return target.read_text("utf-8")


def _reachable(schemas: Json, bodies: Iterable[Json]) -> set[str]:
    found: set[str] = set()
    waiting = [name for body in bodies for name in references(body)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += references(schemas[name])
    return found
