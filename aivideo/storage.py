"""Where finished videos, posters and reference pictures are kept: a local folder, or a bucket that speaks S3.

Names are like `user_1_video_2.mp4`, at most with folders before them. A file appears under its name whole or not at
all; what is missing is FileNotFoundError in both. Neither storage touches disk or network before it is used.
"""

import errno
import mimetypes
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast
from urllib.parse import quote

from aivideo.config import Settings

NAME = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/){0,3}[A-Za-z0-9_][A-Za-z0-9._-]*")
LONGEST_NAME = 200
FOLDER = "files"
CHUNK = 1024 * 1024
PART_OF_FILES = 16 * 1024 * 1024
STALE_SECONDS = 3600
MISSING = ("404", "NoSuchKey", "NotFound")
DEFAULT_REGION = "us-east-1"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # numbers of an OSError that more room on the disk mends


class StorageError(Exception):
    """The storage does not answer, or refuses; the message is for the operator."""


class Storage(Protocol):
    """Files by name. All methods raise ValueError for a name that is not allowed, StorageError for a storage away."""

    def save(self, name: str, path: Path, content_type: str) -> None:
        """Keep a copy of the file at `path`, in place of what had that name."""

    def path(self, name: str) -> Path | None:
        """Where the file is (or would be) on this machine; None where it is elsewhere."""

    def open(self, name: str) -> BinaryIO:
        """The file, to be read from its start."""

    def read(self, name: str, to: Path) -> None:
        """Copy the file to `to`; what an error leaves there is not to be used."""

    def url(self, name: str, *, filename: str, seconds: int, download: bool = False) -> str | None:
        """An address from which anybody can fetch the file for `seconds`; None where we have to serve it.

        It is shown in the browser, or with `download` saved there, as `filename`.
        """

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""

    def delete(self, name: str) -> None:
        """Let the file go; one that is not there is fine."""

    def names(self) -> Iterator[str]:
        """The names of all files."""


def from_settings(settings: Settings) -> Storage:
    """S3 where S3_BUCKET is set, else a folder in DATA_DIR."""
    if settings.s3_bucket:
        return S3Storage(settings.s3_bucket, settings.s3_endpoint_url or None)
    return LocalStorage(settings.data_dir / FOLDER)


def checked(name: str) -> str:
    """The name, if it is one that cannot lead anywhere else.

    Raises:
        ValueError: it is not.
    """
    if len(name) > LONGEST_NAME or NAME.fullmatch(name) is None:
        raise ValueError(f"{name[:LONGEST_NAME]!r} is not the name of a file")
    return name


class LocalStorage:
    """Files in a folder, made when the first one is saved."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, name: str, path: Path, content_type: str) -> None:
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._clear_stale_parts(target)
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        try:
            with path.open("rb") as source, part.open("xb") as copy:
                shutil.copyfileobj(source, copy, CHUNK)
                copy.flush()
                os.fsync(copy.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name too must survive a power cut
        finally:
            os.close(folder)

    def path(self, name: str) -> Path:
        return self._folder / checked(name)

    def open(self, name: str) -> BinaryIO:
        return self.path(name).open("rb")

    def read(self, name: str, to: Path) -> None:
        shutil.copyfile(self.path(name), to)

    def url(self, name: str, *, filename: str, seconds: int, download: bool = False) -> str | None:
        return None

    def exists(self, name: str) -> bool:
        return self.path(name).is_file()

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if NAME.fullmatch(name) and path.is_file():
                yield name

    def _clear_stale_parts(self, target: Path) -> None:
        """What a killed process left half-written under this name."""
        for part in target.parent.glob(f".{target.name}.*.part"):
            try:
                if time.time() - part.stat().st_mtime > STALE_SECONDS:
                    part.unlink()
            except FileNotFoundError:
                pass  # another process was quicker


class S3Storage:
    """Objects in a bucket. Keys and region come by the usual AWS variables; one client per process, made on use.

    endpoint_url: of a server other than AWS; browsers fetch files from it too.
    """

    def __init__(self, bucket: str, endpoint_url: str | None = None) -> None:
        self._bucket, self._endpoint_url = bucket, endpoint_url
        self._making = threading.Lock()
        self._made: tuple[int, Any] | None = None

    @property
    def _client(self) -> Any:
        with self._making:
            if self._made is None or self._made[0] != os.getpid():  # a client does not survive a fork
                self._made = os.getpid(), self._make_client()
            return self._made[1]

    def _make_client(self) -> Any:
        import boto3
        from botocore.config import Config

        session = boto3.session.Session()
        return session.client(
            "s3",
            endpoint_url=self._endpoint_url,
            region_name=session.region_name or DEFAULT_REGION,
            config=Config(
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "max_attempts": 3},
                signature_version="s3v4",
                # Servers other than AWS often know neither buckets as host names nor the newer checksums.
                s3={"addressing_style": "path" if self._endpoint_url else "auto"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def save(self, name: str, path: Path, content_type: str) -> None:
        from boto3.s3.transfer import TransferConfig

        transfer = TransferConfig(
            multipart_threshold=PART_OF_FILES, multipart_chunksize=PART_OF_FILES, use_threads=False
        )
        with _told(name):
            self._client.upload_file(
                str(path), self._bucket, checked(name), ExtraArgs={"ContentType": content_type}, Config=transfer
            )

    def path(self, name: str) -> Path | None:
        checked(name)
        return None

    def open(self, name: str) -> BinaryIO:
        with _told(name):
            return cast(BinaryIO, self._client.get_object(Bucket=self._bucket, Key=checked(name))["Body"])

    def read(self, name: str, to: Path) -> None:
        with _told(name), self.open(name) as source, to.open("wb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)

    def url(self, name: str, *, filename: str, seconds: int, download: bool = False) -> str | None:
        shown = f"{'attachment' if download else 'inline'}; filename*=UTF-8''{quote(filename, safe='')}"
        wanted = {
            "Bucket": self._bucket,
            "Key": checked(name),
            "ResponseContentType": mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream",
            "ResponseContentDisposition": shown,
        }
        with _told(name):
            return str(self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))

    def exists(self, name: str) -> bool:
        try:
            with _told(name):
                self._client.head_object(Bucket=self._bucket, Key=checked(name))
        except FileNotFoundError:
            return False
        return True

    def delete(self, name: str) -> None:
        with _told(name):
            self._client.delete_object(Bucket=self._bucket, Key=checked(name))

    def names(self) -> Iterator[str]:
        with _told(self._bucket):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket):
                yield from (item["Key"] for item in page.get("Contents", ()))


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What boto3 raises, in our terms."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in MISSING:
            raise FileNotFoundError(name) from error
        raise StorageError(f"the S3 storage refuses {name}: {error}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageError(f"the S3 storage does not answer for {name}: {error}") from error
