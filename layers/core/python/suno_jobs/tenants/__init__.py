"""Who may use the API, and how much: tenants, their limits and their API keys.

Not here: whose job is whose (``jobs``), and the accounts at gateways (``traffic``).
"""
