"""The endpoints of all tenants: the items of a tenant share the partition ``WEBHOOKS#{tenant}``.

The table's encryption at rest protects their secrets, which have to be readable in order to sign.
"""

from __future__ import annotations

from suno_jobs.errors import Conflict
from suno_jobs.jobs.record import Item
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.table import Table
from suno_jobs.storage.update_expressions import Change
from suno_jobs.webhooks.endpoints import Endpoint

ENDPOINT = "ENDPOINT#"
LONGEST_ID = 64


def tenant_partition(tenant: str) -> str:
    return f"WEBHOOKS#{tenant}"


class EndpointTable(Table):
    def create(self, endpoint: Endpoint) -> None:
        """May be repeated, as the AWS client does after a lost answer. Raises Conflict if there is another one with that id."""
        item = _key(endpoint.tenant, endpoint.endpoint_id) | endpoint.to_item()
        try:
            self._client.put_item(TableName=self._table, Item=pack(item), ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException as error:
            if self.find(endpoint.tenant, endpoint.endpoint_id) != endpoint:
                raise Conflict("there is such an endpoint already") from error

    def of_tenant(self, tenant: str) -> list[Endpoint]:
        """The oldest first, with the record ``DEFAULT`` if there is one."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=pack({":pk": tenant_partition(tenant), ":prefix": ENDPOINT}),
            ConsistentRead=True,
        )
        found = [Endpoint.from_item(unpack(item)) for page in pages for item in page["Items"]]
        return sorted(found, key=lambda each: (each.recorded_at, each.endpoint_id))

    def find(self, tenant: str, endpoint_id: str) -> Endpoint | None:
        if len(endpoint_id) > LONGEST_ID:
            return None  # DynamoDB refuses longer keys
        item = self._get(_key(tenant, endpoint_id))
        return Endpoint.from_item(item) if item else None

    def change(self, endpoint: Endpoint, change: Change) -> Endpoint:
        """Raises Conflict if a further condition of ``change`` does not hold, or if the endpoint was deleted."""
        change.require("attribute_exists(#endpoint_id)", "endpoint_id")
        return Endpoint.from_item(self._update(_key(endpoint.tenant, endpoint.endpoint_id), change, "ALL_NEW"))

    def delete(self, endpoint: Endpoint) -> None:
        """May be repeated."""
        self._client.delete_item(TableName=self._table, Key=pack(_key(endpoint.tenant, endpoint.endpoint_id)))


def _key(tenant: str, endpoint_id: str) -> Item:
    return {"pk": tenant_partition(tenant), "sk": f"{ENDPOINT}{endpoint_id}"}
