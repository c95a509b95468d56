"""Finds, without running it, which AWS actions a function can reach: what its policy must grant, and no more.

It follows the code from functions/<name>/app.py: what is named there, the ``__call__`` of what is made there, and from each
body on the calls of fields (by their annotation), of annotated arguments and of plain functions. No emulator enforces
policies, so this is the only thing short of AWS that finds a missing permission.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

OPERATIONS = {
    "describe_execution": "states:DescribeExecution",
    "get_item": "dynamodb:GetItem",
    "get_object": "s3:GetObject",
    "get_secret_value": "secretsmanager:GetSecretValue",
    "head_object": "s3:GetObject",
    "put_events": "events:PutEvents",
    "put_item": "dynamodb:PutItem",
    "put_object": "s3:PutObject",
    "query": "dynamodb:Query",
    "send_task_success": "states:SendTaskSuccess",
    "start_execution": "states:StartExecution",
    "update_item": "dynamodb:UpdateItem",
}
# What grants the parts of a TransactWriteItems call.
PARTS = {"ConditionCheck": "ConditionCheckItem", "Delete": "DeleteItem", "Put": "PutItem", "Update": "UpdateItem"}
# These are given the name of the operation.
INDIRECT = {"generate_presigned_url", "get_paginator"}

Body = ast.FunctionDef | ast.Module


@dataclass
class Class:
    methods: dict[str, ast.FunctionDef] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    bases: list[str] = field(default_factory=list)


@dataclass
class Code:
    """The classes and functions of the core, by name."""

    classes: dict[str, Class] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)


def read_code(package: Path) -> Code:
    code = Code()
    for path in package.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                code.functions[node.name] = node
            elif isinstance(node, ast.ClassDef):
                code.classes[node.name] = _read_class(node)
    for each in code.classes.values():
        each.methods = _inherited(code, each)
    return code


def _inherited(code: Code, each: Class) -> dict[str, ast.FunctionDef]:
    bases = [code.classes[name] for name in each.bases if name in code.classes]
    return {name: method for base in bases for name, method in _inherited(code, base).items()} | each.methods


def _read_class(node: ast.ClassDef) -> Class:
    found = Class(bases=[ast.unparse(base) for base in node.bases])
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            found.methods[part.name] = part
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            found.fields[part.target.id] = ast.unparse(part.annotation)
    return found


def reachable_actions(code: Code, app: Path) -> set[str]:
    """The IAM actions behind every AWS operation that the function in ``app`` can come to."""
    walk = _Walk(code)
    walk.visit(None, ast.parse(app.read_text()))
    return walk.actions


class _Walk:
    def __init__(self, code: Code) -> None:
        self.code = code
        self.actions: set[str] = set()
        self._seen: set[ast.AST] = set()

    def visit(self, owner: Class | None, body: Body) -> None:
        if body in self._seen:
            return
        self._seen.add(body)
        types = _argument_types(body)
        for node in ast.walk(body):
            match node:
                case ast.Name(id=name):
                    self._name(name)
                case ast.Attribute(value=ast.Name(id="self"), attr=name) if owner and name in owner.methods:
                    self.visit(owner, owner.methods[name])
                case ast.Call():
                    self._call(owner, types, node)

    def _name(self, name: str) -> None:
        if name in self.code.functions:
            self.visit(None, self.code.functions[name])
        elif name in self.code.classes:
            self._method(name, "__call__")

    def _method(self, class_name: str | None, name: str) -> None:
        found = self.code.classes.get(class_name or "")
        if found and name in found.methods:
            self.visit(found, found.methods[name])

    def _call(self, owner: Class | None, types: dict[str, str], call: ast.Call) -> None:
        if not isinstance(call.func, ast.Attribute):
            return
        name, receiver = call.func.attr, call.func.value
        self._operation(name, call)
        match receiver:
            case ast.Name(id="self") if owner:
                self._method(owner.fields.get(name), "__call__")
            case ast.Name(id=variable):
                self._method(types.get(variable), name)
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute) if owner:
                self._method(owner.fields.get(attribute), name)

    def _operation(self, name: str, call: ast.Call) -> None:
        if name == "transact_write_items":
            constants = {node.value for node in ast.walk(call) if isinstance(node, ast.Constant)}
            self.actions |= {f"dynamodb:{action}" for part, action in PARTS.items() if part in constants}
        elif name in INDIRECT and isinstance(call.args[0], ast.Constant):
            self.actions.add(OPERATIONS[str(call.args[0].value)])
        elif name in OPERATIONS:
            self.actions.add(OPERATIONS[name])


def _argument_types(body: Body) -> dict[str, str]:
    if isinstance(body, ast.Module):
        return {}
    arguments = [*body.args.args, *body.args.kwonlyargs]
    return {argument.arg: ast.unparse(argument.annotation) for argument in arguments if argument.annotation}
