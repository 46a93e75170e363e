"""Clips are checked to the end before they count."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from aivideo.media import UnplayableVideo, check, probe

WIDTH, HEIGHT, RATE = 320, 180, 24
Make = Callable[..., Path]


def boxes(data: bytes) -> dict[bytes, tuple[int, int]]:
    """Where each outermost box starts, and its length."""
    found, position = {}, 0
    while position < len(data):
        length, name = struct.unpack(">I4s", data[position : position + 8])
        found[name] = position, length
        position += length
    return found


@pytest.mark.parametrize("audio", [False, True])
def test_a_whole_clip_tells_what_it_is(audio: bool, make: Make) -> None:
    path = make(audio=audio)
    clip = check(path)
    assert (clip.width, clip.height, clip.video_codec, clip.has_audio) == (WIDTH, HEIGHT, "h264", audio)
    assert (clip.seconds, clip.fps) == (pytest.approx(2, abs=0.05), RATE)
    assert clip.bytes == path.stat().st_size
    assert probe(path) == clip


@pytest.mark.parametrize(
    "options",
    [
        {"flags": ""},
        {"key_every": 250},
        {"frames": 1},
        {"frames": 200, "key_every": 250},
        {"codec": "mpeg4"},
        {"flags": "frag_keyframe+empty_moov"},
    ],
)
def test_clips_of_every_make_are_whole(options: dict[str, Any], make: Make) -> None:
    assert check(make(**options)).width == WIDTH


@pytest.mark.parametrize("flags", ["+faststart", ""])
@pytest.mark.parametrize("part", [0.0001, 0.01, 0.05, 0.3, 0.5, 0.9, 0.99, 0.9999])
def test_a_clip_cut_off_anywhere_is_refused(flags: str, part: float, make: Make) -> None:
    path = make(audio=True, flags=flags)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(UnplayableVideo):
        check(path)


def test_a_clip_cut_off_in_data_of_open_length_is_refused(make: Make) -> None:
    path = make()
    data = bytearray(path.read_bytes())
    start, length = boxes(data)[b"mdat"]
    data[start : start + 4] = bytes(4)  # a length of 0 means: to the end of the file
    path.write_bytes(data)
    assert check(path).seconds == pytest.approx(2, abs=0.05)
    with av.open(str(path)) as file:
        last = max(packet.pos for packet in file.demux() if packet.pos is not None)
    for end in (start + length * 2 // 3, start + length - 20, last):
        path.write_bytes(data[:end])
        with pytest.raises(UnplayableVideo):
            check(path)


def test_a_fragmented_clip_cut_off_within_a_fragment_is_refused(make: Make) -> None:
    path = make(flags="frag_keyframe+empty_moov")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnplayableVideo):
        check(path)


def test_a_fragmented_clip_without_its_last_fragments_is_refused(make: Make) -> None:
    path = make(flags="frag_keyframe+empty_moov")
    data = bytearray(path.read_bytes())
    header = data.index(b"mdhd") + 4  # version, made, changed, ticks a second, length in ticks
    (ticks,) = struct.unpack(">I", data[header + 12 : header + 16])
    for seconds, whole in ((2, True), (9, False)):
        data[header + 16 : header + 20] = struct.pack(">I", ticks * seconds)
        path.write_bytes(data)
        if whole:
            assert check(path).seconds == pytest.approx(2, abs=0.05)
        else:
            with pytest.raises(UnplayableVideo, match="truncated"):
                check(path)


@pytest.mark.parametrize("part", [0.05, 0.5, 0.8])
@pytest.mark.parametrize("key_every", [12, 250])
def test_a_clip_whose_rest_was_never_written_is_refused(part: float, key_every: int, make: Make) -> None:
    path = make(frames=100, key_every=key_every)
    data = bytearray(path.read_bytes())
    start, length = boxes(data)[b"mdat"]
    hole = start + 8 + int((length - 8) * part)
    data[hole : start + length] = bytes(start + length - hole)
    path.write_bytes(data)
    with pytest.raises(UnplayableVideo, match="damaged"):
        check(path)


@pytest.mark.parametrize("part", [0.05, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_clip_whose_rest_is_noise_is_refused(codec: str, part: float, make: Make) -> None:
    path = make(codec=codec)
    data = bytearray(path.read_bytes())
    start, length = boxes(data)[b"mdat"]
    noise = start + 8 + int((length - 8) * part)
    data[noise : start + length] = b"\xff" * (start + length - noise)
    path.write_bytes(data)
    with pytest.raises(UnplayableVideo, match="damaged"):
        check(path)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_noise_amid_a_clip_of_one_key_picture_is_found(part: float, make: Make) -> None:
    path = make(frames=100, key_every=250)
    data = bytearray(path.read_bytes())
    start, length = boxes(data)[b"mdat"]
    noise = start + 8 + int((length - 8) * part)
    data[noise : noise + length // 20] = b"\xff" * (length // 20)
    path.write_bytes(data)
    with pytest.raises(UnplayableVideo, match="damaged"):
        check(path)


def test_padding_after_the_last_box_does_no_harm(make: Make) -> None:
    path = make()
    for padding in (b"\0" * 3, b"\0" * 64):
        path.write_bytes(path.read_bytes() + padding)
        assert check(path).width == WIDTH


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"<!doctype html><title>Sign in</title>",
        b'{"error": {"message": "no"}}',
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
        b"\x00\x00\x00\x00ftyp",
        b"\x00\x00\x00\x02moov" * 9,
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"\xff\xd8\xff\xe0 a picture",
    ],
)
def test_what_is_not_an_mp4_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    for function in (check, probe):
        with pytest.raises(UnplayableVideo):
            function(path)


@pytest.mark.parametrize(("name", "codec"), [("clip.avi", "mpeg4"), ("clip.mkv", "libx264")])
def test_a_clip_of_another_format_is_refused(name: str, codec: str, make: Make) -> None:
    with pytest.raises(UnplayableVideo, match="not an MP4"):
        check(make(name, codec=codec))


def test_a_file_with_sound_only_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as file:
        sound: Any = file.add_stream("aac", rate=48000, layout="mono")
        silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        silence.sample_rate = 48000
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        file.mux(sound.encode(silence))
        file.mux(sound.encode())
    with pytest.raises(UnplayableVideo, match="no video"):
        check(path)


def test_a_coding_that_nobody_knows_is_refused(make: Make) -> None:
    path = make()
    path.write_bytes(path.read_bytes().replace(b"avc1\0\0\0\0", b"zzz1\0\0\0\0"))
    with pytest.raises(UnplayableVideo, match="cannot be decoded"):
        check(path)


def test_notes_in_a_strange_alphabet_do_no_harm(make: Make) -> None:
    path = make()
    assert b"Lavf" in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"Lavf", b"\xc9\xff\xfe\xc9"))
    assert check(path).width == WIDTH
