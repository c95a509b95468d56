"""From a client's request to a job: parsing it, checking it against the gateways, and creating the job.

Everything after the creation of a job is in ``steps`` and ``lifecycle``.
"""
