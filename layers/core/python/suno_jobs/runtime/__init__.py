"""The infrastructure of a Lambda function: settings, secrets, logs, metrics, AWS client configuration, HTTP API, executions.

Nothing here knows what a job is for.
"""
