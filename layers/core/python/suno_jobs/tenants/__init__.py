"""Who may use the API: tenants and their API keys.

Not here: whose job is whose (``jobs``), and the accounts at gateways (``traffic``).
"""
