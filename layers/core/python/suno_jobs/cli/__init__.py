"""The command ``suno-jobs`` for operators: its arguments and its output.

Decisions about jobs do not belong here; a command calls the module that makes them.
"""
