"""Commands for people with an API key. They use the public API through ``suno_jobs_client``, and never AWS."""
