"""Whether a downloaded clip is whole and plays.

`check` reads every packet and decodes the last group of pictures: hundredths of a second, where decoding all of an 8 s
clip takes a second. What a download breaks shows in the boxes of the file (a length that reaches past its end), in
packets that are missing, empty or not made of whole units, or in pictures that cannot be decoded. Those at the start
are decoded when the poster is drawn.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

LARGEST_SIDE = 8192
LONGEST_TAIL = 48
"""Packets from the last key picture on that are decoded. Some clips have one key picture only; all costs too much."""
MISSING_SECONDS = 0.5
SMALLEST_BOX = 8


class UnplayableVideo(Exception):
    """A file is not a whole MP4 with pictures in it; the message says what is wrong with it."""


@dataclass(frozen=True)
class Clip:
    """What a video file holds. `seconds` is its playing time, `fps` its pictures a second, `bytes` its size on disk."""

    width: int
    height: int
    seconds: float
    fps: float
    video_codec: str
    has_audio: bool
    bytes: int


def probe(path: Path) -> Clip:
    """What the headers of a video file say.

    Raises:
        UnplayableVideo: it is not an MP4, or has no video in it.
    """
    _require_whole_boxes(path)
    with opened(path) as (container, stream):
        return _describe(path, container, stream)


def check(path: Path) -> Clip:
    """`probe`, and proof that the file is whole: all packets are there, and the last pictures can be decoded.

    Raises:
        UnplayableVideo: it is truncated, damaged or something else than an MP4.
    """
    with checked(path) as (clip, _, _):
        return clip


@contextmanager
def checked(path: Path) -> "Iterator[tuple[Clip, InputContainer, VideoStream]]":
    """A clip that passed `check`, still open and to be read from the start.

    Raises:
        UnplayableVideo: as `check` does.
    """
    _require_whole_boxes(path)
    with opened(path) as (container, stream):
        clip = _describe(path, container, stream)
        length_bytes = _length_bytes(stream)
        tail: list[Any] = []
        count, ends = 0, 0
        for packet in container.demux():
            if packet.size == 0:
                continue
            data = bytes(packet)
            if packet.is_corrupt or not data.strip(b"\0"):
                raise UnplayableVideo("The video file is damaged: a part of it is empty.")
            if packet.stream is not stream:
                continue
            if length_bytes and not _made_of_units(data, length_bytes):
                raise UnplayableVideo("The video file is damaged: a part of it is not video.")
            count += 1
            ends = max(ends, _end(packet))
            if packet.is_keyframe:
                tail.clear()
            if len(tail) < LONGEST_TAIL:
                tail.append(packet)
        _require_all_packets(stream.frames, count, float(ends * (stream.time_base or 0)), clip.seconds)
        if not _decoded(stream, tail):
            raise UnplayableVideo("The video file is damaged: its last pictures cannot be decoded.")
        container.seek(0, stream=stream)
        yield clip, container, stream


@contextmanager
def opened(path: Path) -> "Iterator[tuple[InputContainer, VideoStream]]":
    """A clip and its pictures' stream, to be read from the start.

    Raises:
        UnplayableVideo: it is not an MP4 with pictures in it, or turns out to be damaged while it is read.
    """
    import av

    try:
        # The file alone: no playlist, no reference to another file, and packets as stored, not as edited.
        # Headers say enough to begin with: FFmpeg would decode the first pictures, and forget them again.
        options = {"ignore_editlist": "1", "skip_frame": "all"}
        with av.open(str(path), format="mp4", options=options, metadata_errors="replace") as container:
            if not container.streams.video:
                raise UnplayableVideo("The file has no video in it.")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise UnplayableVideo("The video is in a coding that cannot be decoded.")
            if not (0 < stream.width <= LARGEST_SIDE and 0 < stream.height <= LARGEST_SIDE):
                raise UnplayableVideo(f"The video is {stream.width}x{stream.height} pixels, which nobody can play.")
            stream.codec_context.thread_count = 1  # starting a thread for each core costs more than it saves
            yield container, stream
    except av.FFmpegError as error:
        raise UnplayableVideo(f"The video file is damaged: {error.strerror}.") from error


def _describe(path: Path, container: "InputContainer", stream: "VideoStream") -> Clip:
    return Clip(
        stream.width,
        stream.height,
        _seconds(container, stream),
        round(float(stream.average_rate or 0), 3),
        stream.codec_context.name,
        bool(container.streams.audio),
        path.stat().st_size,
    )


def _seconds(container: "InputContainer", stream: "VideoStream") -> float:
    """Length of the pictures; a fragmented file knows only that of the whole."""
    import av

    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def _end(packet: Any) -> int:
    """Where a packet's picture ends, counted from the start of the clip in ticks of its stream."""
    moment = packet.pts if packet.pts is not None else packet.dts
    return 0 if moment is None else moment + (packet.duration or 0) - (packet.stream.start_time or 0)


def _require_all_packets(announced: int, count: int, ends: float, seconds: float) -> None:
    if count == 0:
        raise UnplayableVideo("The file has no video in it.")
    if count < announced or ends < seconds - MISSING_SECONDS:
        raise UnplayableVideo(f"The video file is truncated: it ends after {ends:.1f} of {seconds:.1f} seconds.")


def _length_bytes(stream: "VideoStream") -> int:
    """In how many bytes each unit of a packet tells its length; 0 where packets are not made of units.

    H.264 and H.265 in MP4 are: ISO/IEC 14496-15, `avcC` and `hvcC`.
    """
    head, place = stream.codec_context.extradata or b"", {"h264": 4, "hevc": 21}.get(stream.codec_context.name)
    return (head[place] & 3) + 1 if place is not None and len(head) > place and head[0] == 1 else 0


def _made_of_units(data: bytes, length_bytes: int) -> bool:
    """Whether the lengths within a packet lead to its end; zeros that fill it up do no harm."""
    position = 0
    while position < len(data):
        position += length_bytes + int.from_bytes(data[position : position + length_bytes])
    return position < len(data) + length_bytes


def _decoded(stream: "VideoStream", packets: list[Any]) -> bool:
    """Whether pictures come out of these packets, the first of which is a key picture, and none is broken."""
    import av

    decoder: Any = av.CodecContext.create(stream.codec_context.codec, "r")
    decoder.extradata, decoder.thread_count = stream.codec_context.extradata, 1
    decoder.width, decoder.height = stream.width, stream.height
    # Nobody will see these pictures: leave out the smoothing of blocks, and what no other picture is made from.
    decoder.options = {"skip_loop_filter": "all"}
    decoder.skip_frame = "NONREF"
    pictures = 0
    for packet in [*packets, None]:  # None: what the decoder still holds
        for frame in decoder.decode(packet):  # looked at one by one: a picture is megabytes
            if frame.is_corrupt:
                return False
            pictures += 1
    return pictures > 0


def _require_whole_boxes(path: Path) -> None:
    """Walk the outermost boxes of an MP4; each must lie within the file, and the table of contents be among them."""
    names, size = [], path.stat().st_size
    with path.open("rb") as file:
        position = 0
        while size - position >= SMALLEST_BOX:
            name, length = _box(file, size - position)
            names.append(name)
            if names[0] not in (b"ftyp", b"free", b"skip", b"wide", b"moov", b"mdat"):
                raise UnplayableVideo("The file is not an MP4 video.")
            if length < SMALLEST_BOX or position + length > size:
                raise UnplayableVideo("The video file is truncated: it ends in the middle of its data.")
            position += length
            file.seek(position)
    if b"ftyp" not in names:
        raise UnplayableVideo("The file is not an MP4 video.")
    if b"moov" not in names:
        raise UnplayableVideo("The video file is truncated: its table of contents is missing.")


def _box(file: BinaryIO, left: int) -> tuple[bytes, int]:
    """Name and length of the box that starts here, of which at least the short head is there."""
    head = file.read(16)
    length, name = struct.unpack(">I4s", head[:8])
    if length == 1 and len(head) == 16:
        (length,) = struct.unpack(">Q", head[8:16])
    return name, left if length == 0 else length
