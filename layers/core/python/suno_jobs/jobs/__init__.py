"""A job as a value: its states, its record, its history, its polling schedule, and how its owner sees it.

Nothing here does I/O: reading and writing records is in ``storage``.
"""
