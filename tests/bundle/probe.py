"""Imports with only Lambda's path, in a bare interpreter: ``python -I -S -B probe.py PATH[:PATH...] WHAT...``.

WHAT is ``handler:app.lambda_handler``, ``package:suno_jobs`` (with every module in it) or ``client:dynamodb``.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys


def probe(what: str) -> None:
    kind, _, name = what.partition(":")
    if kind == "handler":
        module, _, function = name.rpartition(".")
        getattr(importlib.import_module(module), function)
    elif kind == "package":
        for found in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            importlib.import_module(found.name)
    elif kind == "client":
        importlib.import_module("boto3").client(name)
    else:
        raise ValueError(what)


if __name__ == "__main__":
    # -I and -S leave the standard library alone; Lambda puts the function's folder and /opt/python before it.
    sys.path[:0] = sys.argv[1].split(":")
    for argument in sys.argv[2:]:
        probe(argument)
