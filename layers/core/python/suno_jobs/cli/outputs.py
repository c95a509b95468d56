"""``suno-jobs outputs``: the outputs of a stack as environment variables, for commands of other programs."""

from __future__ import annotations

import json
import re
import shlex

from suno_jobs.cli.options import AsJson
from suno_jobs.cli.stack import NO_STACK, StackOption


def print_outputs(*, stack: StackOption = NO_STACK, as_json: AsJson = False) -> None:
    """Print the outputs of a stack as export lines for the shell.

    ```
    eval "$(suno-jobs outputs --stack suno-jobs-dev)"
    ```
    """
    variables = {variable_name(name): value for name, value in stack.outputs.items()}
    if as_json:
        print(json.dumps(variables, indent=2))
        return
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")


def variable_name(output: str) -> str:
    """``ApiUrl`` is API_URL."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", output).upper()
