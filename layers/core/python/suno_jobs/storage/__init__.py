"""The jobs table: attribute values, update expressions, and one conditional write per intent.

DynamoDB errors are translated here and nowhere else. What a record means is in ``jobs``.
"""
