"""The rival: one function for every step of the loop in `loop.asl.json`, without any further guarantee.

No gateway is called: a task is done after a fixed time. The function writes only what the owner of a job has to see.
"""

import os
import time
from typing import Any

import boto3

Json = dict[str, Any]


def lambda_handler(event: Json, _context: object) -> Json:
    table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
    return STEPS[event["step"]](table, event)


def create_task(table: Any, event: Json) -> Json:
    table.put_item(
        Item={"id": event["job_id"], "state": "GENERATING", "task_id": "task", "prompt": "a song about a lighthouse"}
    )
    return {"job_id": event["job_id"], "done_at": time.time() + float(os.environ["TASK_SECONDS"])}


def check_task(_table: Any, event: Json) -> Json:
    return {**event, "done": time.time() >= event["done_at"], "tracks": ["first", "second"]}


def store_track(table: Any, event: Json) -> Json:
    track = f"{event['job_id']}/{event['track_id']}"
    table.put_item(Item={"id": track, "state": "stored", "key": f"{track}.mp3"})
    return {}


def finish_job(table: Any, event: Json) -> Json:
    table.update_item(
        Key={"id": event["job_id"]},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": "SUCCEEDED"},
    )
    return {}


STEPS = {"create_task": create_task, "check_task": check_task, "store_track": store_track, "finish_job": finish_job}
