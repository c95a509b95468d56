"""Finds, without running it, which AWS actions a function can reach: what its policy must grant, and no more.

It follows the code from functions/<name>/app.py: every function that is named, and every method whose receiver's class is known
from an annotation, a constructor or an assignment. Names are resolved per module, through the imports of that module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

OPERATIONS = {
    "batch_get_item": "dynamodb:BatchGetItem",
    "create_queue": "sqs:CreateQueue",
    "delete_item": "dynamodb:DeleteItem",
    "delete_message": "sqs:DeleteMessage",
    "delete_objects": "s3:DeleteObjectVersion",
    "delete_queue": "sqs:DeleteQueue",
    "delete_rule": "events:DeleteRule",
    "describe_alarms": "cloudwatch:DescribeAlarms",
    "describe_execution": "states:DescribeExecution",
    "describe_stack_resource": "cloudformation:DescribeStackResource",
    "describe_stacks": "cloudformation:DescribeStacks",
    "download_file": "s3:GetObject",
    "get_account_settings": "lambda:GetAccountSettings",
    "get_item": "dynamodb:GetItem",
    "get_object": "s3:GetObject",
    "invoke": "lambda:InvokeFunction",
    "get_queue_attributes": "sqs:GetQueueAttributes",
    "get_secret_value": "secretsmanager:GetSecretValue",
    "get_stage": "apigateway:GET",
    "head_object": "s3:GetObject",
    "list_object_versions": "s3:ListBucketVersions",
    "list_objects_v2": "s3:ListBucket",
    "list_subscriptions_by_topic": "sns:ListSubscriptionsByTopic",
    "put_events": "events:PutEvents",
    "put_item": "dynamodb:PutItem",
    "put_object": "s3:PutObject",
    "put_rule": "events:PutRule",
    "put_secret_value": "secretsmanager:PutSecretValue",
    "put_targets": "events:PutTargets",
    "query": "dynamodb:Query",
    "receive_message": "sqs:ReceiveMessage",
    "remove_targets": "events:RemoveTargets",
    "send_message": "sqs:SendMessage",
    "send_task_failure": "states:SendTaskFailure",
    "send_task_success": "states:SendTaskSuccess",
    "set_queue_attributes": "sqs:SetQueueAttributes",
    "start_execution": "states:StartExecution",
    "start_message_move_task": "sqs:StartMessageMoveTask",
    "update_item": "dynamodb:UpdateItem",
}
# Each version is named, but S3 asks for the permission to delete objects as well.
FURTHER = {"delete_objects": "s3:DeleteObject"}
# What grants the parts of a TransactWriteItems call.
PARTS = {"ConditionCheck": "ConditionCheckItem", "Delete": "DeleteItem", "Put": "PutItem", "Update": "UpdateItem"}
# These take the name of the operation as an argument.
INDIRECT = {"generate_presigned_url", "get_paginator"}

Function = ast.FunctionDef
Body = ast.FunctionDef | ast.Module


@dataclass(eq=False)
class Class:
    module: Module
    node: ast.ClassDef

    @cached_property
    def bases(self) -> list[Class]:
        found = (self.module.find(base.id) for base in self.node.bases if isinstance(base, ast.Name))
        return [base for base in found if isinstance(base, Class)]

    def method(self, name: str) -> tuple[Class, Function] | None:
        for part in self.node.body:
            if isinstance(part, ast.FunctionDef) and part.name == name:
                return self, part
        return next(filter(None, (base.method(name) for base in self.bases)), None)

    def field(self, name: str) -> tuple[Module, ast.expr] | None:
        for part in self.node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.target.id == name:
                return self.module, part.annotation
        return self._assigned_argument(name) or next(filter(None, (base.field(name) for base in self.bases)), None)

    def _assigned_argument(self, name: str) -> tuple[Module, ast.expr] | None:
        """What ``self.name = argument`` in ``__init__`` says about the field."""
        found = self.method("__init__")
        for node in ast.walk(found[1]) if found else ():
            match node:
                case ast.Assign(targets=[ast.Attribute(attr=attribute)], value=ast.Name(id=argument)) if attribute == name:
                    annotation = dict(_annotated_arguments(found[1])).get(argument) if found else None
                    return (found[0].module, annotation) if found and annotation else None
        return None


@dataclass(eq=False)
class Module:
    code: Code
    tree: ast.Module

    @cached_property
    def _definitions(self) -> dict[str, Function | ast.ClassDef]:
        return {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}

    @cached_property
    def _imports(self) -> dict[str, tuple[str, str]]:
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom))
        return {alias.asname or alias.name: (node.module or "", alias.name) for node in nodes for alias in node.names}

    def find(self, name: str) -> Class | tuple[Module, Function] | None:
        """The class or function of the core that the name means in this module."""
        if definition := self._definitions.get(name):
            return Class(self, definition) if isinstance(definition, ast.ClassDef) else (self, definition)
        module, original = self._imports.get(name, ("", ""))
        return self.code.modules[module].find(original) if module in self.code.modules else None


@dataclass(eq=False)
class Code:
    """The modules of the core, by their dotted names."""

    modules: dict[str, Module] = field(default_factory=dict)


def read_code(package: Path) -> Code:
    code = Code()
    for path in package.rglob("*.py"):
        name = ".".join(path.relative_to(package.parent).with_suffix("").parts)
        code.modules[name] = Module(code, ast.parse(path.read_text()))
    return code


def reachable_actions(code: Code, app: Path) -> set[str]:
    """The IAM actions behind every AWS operation that the function in ``app`` can reach."""
    walk = _Walk()
    module = Module(code, ast.parse(app.read_text()))
    walk.visit(module, None, module.tree)
    return walk.actions


class _Walk:
    def __init__(self) -> None:
        self.actions: set[str] = set()
        self._seen: set[ast.AST] = set()

    def visit(self, module: Module, owner: Class | None, body: Body) -> None:
        if body in self._seen:
            return
        self._seen.add(body)
        types = _Types(module, owner, body)
        for node in ast.walk(body):
            if isinstance(node, ast.Name) and isinstance(found := module.find(node.id), tuple):
                self.visit(found[0], None, found[1])
            elif isinstance(node, ast.Attribute):
                self._attribute(types.of(node.value), node.attr)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                self._operation(node.func.attr, node)

    def _attribute(self, receiver: Class | None, name: str) -> None:
        """A method that is called, passed on or read as a property."""
        if receiver and (method := receiver.method(name)):
            self.visit(method[0].module, receiver, method[1])

    def _operation(self, name: str, call: ast.Call) -> None:
        if name == "transact_write_items":
            constants = {node.value for node in ast.walk(call) if isinstance(node, ast.Constant)}
            self.actions |= {f"dynamodb:{action}" for part, action in PARTS.items() if part in constants}
        elif name in INDIRECT and isinstance(call.args[0], ast.Constant):
            self.actions.add(OPERATIONS[str(call.args[0].value)])
        elif name in OPERATIONS:
            self.actions |= {OPERATIONS[name], FURTHER.get(name, OPERATIONS[name])}


class _Types:
    """Which class of the core an expression within one body is of."""

    def __init__(self, module: Module, owner: Class | None, body: Body) -> None:
        self._module = module
        self._owner = owner
        self._annotations = dict(_annotated_arguments(body))
        self._values = {
            node.targets[0].id: node.value
            for node in ast.walk(body)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }

    def of(self, expression: ast.expr) -> Class | None:
        match expression:
            case ast.Name(id="self"):
                return self._owner
            case ast.Name(id=name) if name in self._annotations:
                return _class_named(self._module, self._annotations[name])
            case ast.Name(id=name) if name in self._values:
                value = self._values.pop(name)  # a variable that is assigned from itself has no type here
                try:
                    return self.of(value)
                finally:
                    self._values[name] = value
            case ast.Attribute(value=value, attr=name) if (receiver := self.of(value)) and (found := receiver.field(name)):
                return _class_named(*found)
            case ast.Call(func=function):
                return self._returned(function)
        return None

    def _returned(self, function: ast.expr) -> Class | None:
        if isinstance(function, ast.Name):
            found = self._module.find(function.id)
            if isinstance(found, Class):
                return found
            return _class_named(found[0], found[1].returns) if found else None
        if isinstance(function, ast.Attribute) and (receiver := self.of(function.value)):
            if method := receiver.method(function.attr):
                return _class_named(method[0].module, method[1].returns)
            if annotated := receiver.field(function.attr):
                return _class_named(*annotated)
        return None


def _annotated_arguments(body: Body) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(body):
        if isinstance(node, ast.FunctionDef):
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                if argument.annotation:
                    yield argument.arg, argument.annotation


def _class_named(module: Module, annotation: ast.expr | None) -> Class | None:
    """The class in ``X``, ``X | None`` or ``Callable[[...], X]``."""
    match annotation:
        case ast.Name(id=name):
            found = module.find(name)
            return found if isinstance(found, Class) else None
        case ast.BinOp(left=left, right=right):
            return _class_named(module, left) or _class_named(module, right)
        case ast.Subscript(value=ast.Name(id="Callable"), slice=ast.Tuple(elts=[_, returned])):
            return _class_named(module, returned)
    return None
