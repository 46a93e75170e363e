"""Serves what a job made: the clip with byte ranges, its thumbnail and its spritesheet."""

from collections.abc import Iterator
from pathlib import Path

from werkzeug.http import parse_range_header
from werkzeug.wrappers import Request, Response

from aivideo.providers.simulator.errors import ApiError, wrong_value
from aivideo.providers.simulator.jobs import Job

CHUNK = 64 * 1024
VARIANTS = ["video", "thumbnail", "spritesheet"]


def content(request: Request, job: Job, clip: Path, ranges: bool = True) -> Response:
    """The answer of the content route for a finished `job`.

    Raises:
        ApiError: an unknown variant, or the file is gone.
    """
    variant = request.args.get("variant", "video")
    if variant not in VARIANTS:
        raise wrong_value("variant", variant, VARIANTS)
    try:
        return video(request, job, clip, ranges) if variant == "video" else still(variant, clip)
    except FileNotFoundError:
        raise ApiError(404, "The file of this video is gone.") from None


def video(request: Request, job: Job, clip: Path, ranges: bool = True) -> Response:
    """The clip, or the range of it that was asked for. Raises FileNotFoundError."""
    mark = trailer(job)
    size = clip.stat().st_size + len(mark)
    headers = {"Accept-Ranges": "bytes" if ranges else "none", "ETag": f'"{job.id}"'}
    headers["Content-Disposition"] = f'attachment; filename="{job.id}.mp4"'
    start, stop, status = 0, size, 200
    unchanged = request.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
    asked = parse_range_header(request.headers.get("Range"))
    if asked and ranges and unchanged and len(asked.ranges) == 1:
        span = asked.range_for_length(size)
        if span is None:
            return Response(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        start, stop, status = span[0], span[1] or size, 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["Content-Length"] = str(stop - start)
    body: Iterator[bytes] | tuple[()] = () if request.method == "HEAD" else _pieces(clip, mark, start, stop)
    return Response(body, status, headers, mimetype="video/mp4", direct_passthrough=True)


def still(variant: str, clip: Path) -> Response:
    """`thumbnail` or `spritesheet` of a clip. Raises FileNotFoundError."""
    from aivideo.providers.simulator import drawing

    if variant == "thumbnail":
        return Response(drawing.thumbnail(clip), mimetype="image/webp")
    return Response(drawing.spritesheet(clip), mimetype="image/jpeg")


def trailer(job: Job) -> bytes:
    """An MP4 box that players skip, with the job's id: tells whose clip a file is, also where all serve the same."""
    name = job.id.encode()
    return (8 + len(name)).to_bytes(4, "big") + b"free" + name


def _pieces(clip: Path, mark: bytes, start: int, stop: int) -> Iterator[bytes]:
    length = clip.stat().st_size
    with clip.open("rb") as file:
        file.seek(start)
        while start < min(stop, length):
            piece = file.read(min(CHUNK, min(stop, length) - start))
            if not piece:
                return
            start += len(piece)
            yield piece
    if stop > length:
        yield mark[start - length : stop - length]
