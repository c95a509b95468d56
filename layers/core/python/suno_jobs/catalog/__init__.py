"""The kinds of job, the input of each kind, and the types of result.

Nothing here depends on a gateway or a job. ``gateways`` says which gateway offers which kind; ``intake`` turns a request into
a job.
"""
