"""The core of suno-jobs: everything that decides something about a job.

Each package says in its docstring what belongs there. Imports go in one direction: the contract is in ``pyproject.toml``.
"""
