"""Starts one emulated Lambda environment: sets the import path as Lambda does, then hands over to AWS's own runtime client.

It lies in no layer and no function: `python -P lambda_runner.py SETTINGS HANDLER` stands in the `bootstrap` of local
deployments alone. That is what makes a loopback download or a gateway without TLS impossible on AWS: nothing else ever fills
LOCAL_ORIGINS.
"""

import importlib
import json
import os
import sys

from awslambdaric.__main__ import main as serve_runtime


def main(settings_json: str, handler: str) -> None:
    settings = json.loads(settings_json)
    log = os.open(settings["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], *settings["path"]]
    origins = importlib.import_module("suno_jobs.network.local_origins")
    vars(origins)["LOCAL_ORIGINS"] = frozenset(settings["local_origins"])
    serve_runtime(["awslambdaric", handler])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
