"""An S3 server of our own for tests: moto's, as real requests over loopback; `python -m tests.bucket PORT [HOST]`."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1"}
BUCKET = "marrow"


@dataclass(frozen=True, slots=True)
class Bucket:
    """`url` is what MARROWLOOP_STORE would be; `raw` is boto3's own bucket, for looking past our code."""

    url: str
    raw: Any

    def names(self) -> list[str]:
        return sorted(entry.key for entry in self.raw.objects.all())


@contextmanager
def bucket(prefix: str = "study") -> Iterator[Bucket]:
    """A running server with one bucket. Who calls it has KEYS in the environment."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield made_bucket(f"http://{host}:{port}", prefix)
    finally:
        server.stop()


def made_bucket(endpoint: str, prefix: str = "study") -> Bucket:
    import boto3

    raw = boto3.resource("s3", endpoint_url=endpoint, region_name=KEYS["AWS_DEFAULT_REGION"]).Bucket(BUCKET)
    # What servers of one process keep is one: an earlier test may have made it.
    with contextlib.suppress(raw.meta.client.exceptions.BucketAlreadyOwnedByYou):
        raw.create(CreateBucketConfiguration={"LocationConstraint": KEYS["AWS_DEFAULT_REGION"]})
    return Bucket(f"s3://{BUCKET}/{prefix}?endpoint={endpoint}", raw)


def main() -> None:
    from moto.server import ThreadedMotoServer

    port, host = int(sys.argv[1]), (sys.argv[2:] or ["127.0.0.1"])[0]
    ThreadedMotoServer(host, port=port, verbose=False).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
