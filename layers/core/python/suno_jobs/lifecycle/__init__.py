"""What several steps do to a job: resume its execution, record a task report, recover late results, write the manifest.

What only one function does belongs in its module in ``steps``.
"""
