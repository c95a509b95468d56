"""Requests that schemathesis makes of docs/openapi.json, sent to the local stack: no answer may be a 5xx or undocumented.

A test sends fifty of each operation, ``make fuzz-api`` a thousand. ``schemathesis.toml`` has the settings.
"""
