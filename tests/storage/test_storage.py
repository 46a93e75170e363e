"""Both kinds of storage keep one promise; S3 is spoken to over HTTP, with moto's server at the other end."""

import errno
import os
import resource
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from bucket import BUCKET

from aivideo import config
from aivideo.storage import LocalStorage, S3Storage, Storage, StorageError, from_settings

NAME = "user_1_video_2.mp4"


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return LocalStorage(tmp_path / "files")
    made: Storage = request.getfixturevalue("s3")
    return made


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip"
    path.write_bytes(b"a clip" * 1000)
    return path


def test_what_is_saved_comes_back_byte_for_byte(storage: Storage, clip: Path, tmp_path: Path) -> None:
    storage.save(NAME, clip, "video/mp4")
    assert storage.exists(NAME)
    with storage.open(NAME) as file:
        assert file.read() == clip.read_bytes()
    storage.read(NAME, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == clip.read_bytes()
    assert clip.exists()


def test_a_still_is_drawn_of_a_clip_wherever_it_is_kept(storage: Storage, tmp_path: Path) -> None:
    from aivideo.media import UnplayableVideo
    from aivideo.providers.simulator import drawing
    from aivideo.services.pictures import _still

    drawing.draw(tmp_path / "clip.mp4", "A clip", size="320x180", seconds=1)
    storage.save(NAME, tmp_path / "clip.mp4", "video/mp4")
    assert _still(storage, NAME, 0.5, None).startswith(b"\xff\xd8")
    with pytest.raises((FileNotFoundError, UnplayableVideo)):
        _still(storage, "user_1_video_3.mp4", 0.5, None)


def test_a_second_file_of_one_name_takes_the_place_of_the_first(storage: Storage, clip: Path, tmp_path: Path) -> None:
    storage.save(NAME, clip, "video/mp4")
    clip.write_bytes(b"shorter")
    storage.save(NAME, clip, "video/mp4")
    storage.read(NAME, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"shorter"
    assert list(storage.names()) == [NAME]


def test_a_file_that_is_missing_is_told(storage: Storage, tmp_path: Path) -> None:
    assert not storage.exists(NAME)
    with pytest.raises(FileNotFoundError):
        storage.open(NAME)
    with pytest.raises(FileNotFoundError):
        storage.read(NAME, tmp_path / "copy")


def test_a_file_can_be_deleted_twice(storage: Storage, clip: Path) -> None:
    storage.save(NAME, clip, "video/mp4")
    storage.delete(NAME)
    storage.delete(NAME)
    assert not storage.exists(NAME)


def test_names_may_have_folders_and_are_all_listed(storage: Storage, clip: Path) -> None:
    assert list(storage.names()) == []
    for name in ("b.mp4", "a.webp", "references/2026/c.jpg"):
        storage.save(name, clip, "application/octet-stream")
    assert sorted(storage.names()) == ["a.webp", "b.mp4", "references/2026/c.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../a", "a/../b", "/etc/passwd", "a//b", "a/", ".hidden", "a/.b", "a\\b", "a\0b", "a\n"),
        *("a b", "ä.mp4", "x" * 201, "a/b/c/d/e.mp4", "C:x", "-rf"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str, storage: Storage, clip: Path) -> None:
    for call in (
        lambda: storage.save(name, clip, "video/mp4"),
        lambda: storage.open(name),
        lambda: storage.path(name),
        lambda: storage.read(name, clip),
        lambda: storage.exists(name),
        lambda: storage.delete(name),
    ):
        with pytest.raises(ValueError, match="not the name of a file"):
            call()


def test_a_source_that_is_gone_saves_nothing(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.save(NAME, tmp_path / "gone", "video/mp4")
    assert list(storage.names()) == []


def test_many_threads_share_one_storage(storage: Storage, tmp_path: Path) -> None:
    def go_round(number: int) -> bool:
        path = tmp_path / f"source{number}"
        path.write_bytes(bytes([number]) * 1000)
        storage.save(f"clip{number}.mp4", path, "video/mp4")
        with storage.open(f"clip{number}.mp4") as file:
            return file.read() == path.read_bytes()

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(go_round, range(48)))


def test_a_local_file_has_a_path_and_no_address(tmp_path: Path, clip: Path) -> None:
    storage = LocalStorage(tmp_path / "files")
    storage.save(NAME, clip, "video/mp4")
    assert storage.path(NAME).read_bytes() == clip.read_bytes()
    assert storage.url(NAME, filename="clip.mp4", seconds=60) is None


def test_readers_see_the_old_file_or_the_new_one_and_never_a_half(tmp_path: Path) -> None:
    storage, done = LocalStorage(tmp_path / "files"), threading.Event()
    sources = []
    for letter in (b"a", b"b"):
        path = tmp_path / letter.decode()
        path.write_bytes(letter * 3_000_000)
        sources.append(path)
    storage.save(NAME, sources[0], "video/mp4")

    def write() -> None:
        for number in range(20):
            storage.save(NAME, sources[number % 2], "video/mp4")
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        with storage.open(NAME) as file:
            data = file.read()
        seen.add((len(data), len(set(data))))
    writer.join()
    assert seen == {(3_000_000, 1)}


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: as near to a full disk as a test gets."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_what_was_there_and_nothing_else(tmp_path: Path, clip: Path) -> None:
    storage = LocalStorage(tmp_path / "files")
    storage.save(NAME, clip, "video/mp4")
    large = tmp_path / "large"
    large.write_bytes(b"x" * 8_000_000)
    with room_for(1_000_000), pytest.raises(OSError) as caught:
        storage.save(NAME, large, "video/mp4")
    assert caught.value.errno == errno.EFBIG
    assert storage.path(NAME).read_bytes() == clip.read_bytes()
    assert os.listdir(tmp_path / "files") == [NAME]


def test_what_a_killed_process_left_is_cleared_and_never_listed(tmp_path: Path, clip: Path) -> None:
    storage = LocalStorage(tmp_path / "files")
    storage.save(NAME, clip, "video/mp4")
    old, young = (tmp_path / "files" / f".{NAME}.{word}.part" for word in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    assert list(storage.names()) == [NAME]
    storage.save(NAME, clip, "video/mp4")
    assert not old.exists()
    assert young.exists()


def test_an_object_is_elsewhere(s3: S3Storage, clip: Path) -> None:
    s3.save(NAME, clip, "video/mp4")
    assert s3.path(NAME) is None


@pytest.mark.parametrize(("download", "shown"), [(False, "inline"), (True, "attachment")])
def test_a_signed_address_gives_type_name_and_ranges(download: bool, shown: str, s3: S3Storage, clip: Path) -> None:
    s3.save(NAME, clip, "video/mp4")
    url = s3.url(NAME, filename="Füchse im Schnee.mp4", seconds=90, download=download)
    assert url is not None
    signed = parse_qs(urlsplit(url).query)
    assert signed["X-Amz-Expires"] == ["90"]
    assert "X-Amz-Signature" in signed
    answer = requests.get(url, headers={"Range": "bytes=2-5"}, timeout=10)
    assert (answer.status_code, answer.content) == (206, b"clip")
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == f"{shown}; filename*=UTF-8''F%C3%BCchse%20im%20Schnee.mp4"


@pytest.mark.parametrize(("name", "content_type"), [("a.webp", "image/webp"), ("a.jpg", "image/jpeg"), ("a", None)])
def test_the_type_of_a_signed_address_goes_by_the_name(name: str, content_type: str | None, s3: S3Storage) -> None:
    signed = parse_qs(urlsplit(s3.url(name, filename=name, seconds=9) or "").query)
    assert signed["response-content-type"] == [content_type or "application/octet-stream"]


def described(s3_server: str) -> dict[str, Any]:
    """What the bucket says of the object NAME."""
    import boto3

    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1")
    return dict(client.head_object(Bucket=BUCKET, Key=NAME))


def test_the_content_type_is_kept_with_the_object(s3: S3Storage, s3_server: str, clip: Path) -> None:
    s3.save(NAME, clip, "video/mp4")
    assert described(s3_server)["ContentType"] == "video/mp4"


def test_a_large_file_goes_up_in_parts(s3: S3Storage, s3_server: str, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"0123456789abcdef" * (17 * 1024 * 1024 // 16))
    s3.save(NAME, large, "video/mp4")
    found = described(s3_server)
    assert found["ETag"].endswith('-2"')
    assert found["ContentLength"] == large.stat().st_size


def test_a_bucket_that_does_not_exist_is_the_operator_s_to_mend(s3: S3Storage, s3_server: str, clip: Path) -> None:
    storage = S3Storage("no-such-bucket", s3_server)
    with pytest.raises(StorageError, match="NoSuchBucket"):
        storage.save(NAME, clip, "video/mp4")
    with pytest.raises(StorageError):
        list(storage.names())


def test_a_storage_that_is_away_is_told_in_our_words(aws: None, clip: Path, tmp_path: Path) -> None:
    storage: Any = S3Storage(BUCKET, "http://127.0.0.1:9")
    for call in (
        lambda: storage.save(NAME, clip, "video/mp4"),
        lambda: storage.exists(NAME),
        lambda: storage.open(NAME),
        lambda: storage.delete(NAME),
    ):
        with pytest.raises(StorageError, match="does not answer"):
            call()


def test_without_credentials_the_error_says_so(
    monkeypatch: pytest.MonkeyPatch, s3_server: str, aws: None, clip: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageError, match="credentials"):
        S3Storage(BUCKET, s3_server).save(NAME, clip, "video/mp4")


def test_the_settings_choose_the_storage(tmp_path: Path) -> None:
    local = from_settings(config.load({"DATA_DIR": tmp_path}))
    assert isinstance(local, LocalStorage)
    assert local.path(NAME) == tmp_path / "files" / NAME
    assert not (tmp_path / "files").exists()
    assert isinstance(from_settings(config.load({"S3_BUCKET": BUCKET})), S3Storage)
