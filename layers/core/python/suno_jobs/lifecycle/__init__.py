"""What several steps do to a job: resume its execution, adopt a task, record a task report, recover late results, write the
manifest, announce an event, erase a deleted job.

What only one function does belongs in its module in ``steps``.
"""
