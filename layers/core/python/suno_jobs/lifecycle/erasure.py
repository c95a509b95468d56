"""Erasing what a deleted job has left: its files, with every version of them, and its items in the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suno_jobs.errors import FilesNotErased
from suno_jobs.lifecycle.asset_files import QUARANTINE
from suno_jobs.storage.deletions import DeletionStore, Tombstone

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEraser:
    deletions: DeletionStore
    s3: S3Client
    assets_bucket: str
    receipts_bucket: str

    def erase_content(self, tombstone: Tombstone) -> None:
        """Deletes everything but the tombstone. May be repeated at any time. Raises FilesNotErased, and errors of AWS."""
        job_id, tenant = tombstone.job_id, tombstone.tenant
        self._erase_files(self.assets_bucket, f"{tenant}/{job_id}/")
        self._erase_files(self.assets_bucket, f"{QUARANTINE}/{tenant}/{job_id}/")
        self._erase_files(self.receipts_bucket, f"{job_id}/")
        self.deletions.erase_items(job_id)

    def _erase_files(self, bucket: str, prefix: str) -> None:
        """A page of versions and delete markers is as much as one request can delete."""
        more = True
        while more:
            page = self.s3.list_object_versions(Bucket=bucket, Prefix=prefix)
            found = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            if found:
                self._delete(bucket, [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found])
            more = page["IsTruncated"]

    def _delete(self, bucket: str, versions: Sequence[ObjectIdentifierTypeDef]) -> None:
        answer = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
        for error in answer.get("Errors", ()):
            raise FilesNotErased(f"S3 did not delete {error.get('Key')}: {error.get('Code')}")
