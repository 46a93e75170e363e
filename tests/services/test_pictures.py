"""Reference pictures: placed as the user chose, and taken out of one's own videos."""

import io
from contextlib import ExitStack

import pytest
from PIL import Image, ImageDraw
from provider_inside import time_passes, work_off

from aivideo.adapters import storage
from aivideo.core.errors import InvalidInput, NotFound, NotReady
from aivideo.extensions import db
from aivideo.services import pictures, videos
from aivideo.services.videos import pictures as references

PROMPT = "A cat walks slowly through the rain"


def test_a_picture_is_sent_as_its_user_placed_it(app, simulator, alice):
    image = Image.new("RGB", (800, 100), (220, 20, 30))
    ImageDraw.Draw(image).rectangle((400, 0, 800, 100), fill=(30, 40, 210))
    out = io.BytesIO()
    image.save(out, "PNG")
    picture = pictures.accept(out.getvalue())
    assert (picture.fit, picture.focus) == ("crop", 0.5)
    order, ann = app.extensions["catalogue"].order(PROMPT), alice.id
    for fit, focus, left, right in (
        ("crop", 0, "red", "red"),
        ("crop", "1", "blue", "blue"),
        ("pad", 0, "red", "blue"),
    ):
        made = videos.request(ann, order, picture=picture.placed(fit, focus)).video_id
        with ExitStack() as held, Image.open(references.fitted(videos.get(ann, made), held)) as sent:
            middle = [sent.getpixel((x, sent.height // 2)) for x in (20, sent.width - 20)]
        assert ["red" if red > blue else "blue" for red, _, blue in middle] == [left, right], (fit, focus)


@pytest.mark.parametrize(("fit", "focus"), [("stretch", 0.5), ("crop", "nan"), ("crop", "1.5"), ("crop", "left")])
def test_a_place_that_is_none_is_refused(fit, focus):
    with pytest.raises(InvalidInput):
        pictures.Picture("reference_1.jpg", "1").placed(fit, focus)


def test_a_frame_of_one_s_own_finished_video_becomes_a_picture(app, simulator, alice, bob):
    ann, ben = alice.id, bob.id
    made = videos.request(ann, app.extensions["catalogue"].order(PROMPT, seconds=4)).video_id
    for wrong in (made, made + 1):
        with pytest.raises(InvalidInput, match="not there to take a picture from"):
            pictures.frame(ann, wrong, 0.5)
    with pytest.raises(NotReady):
        pictures.still(ann, made, 0.5)
    while not videos.get(ann, made).ended:
        work_off(app)
        time_passes(3)
        db.session.expire_all()
    picture = pictures.frame(ann, made, 0.5)
    with storage().open(picture.name) as file, Image.open(file) as kept:
        assert (kept.format, kept.size) == ("JPEG", (320, 180))
    assert pictures.frame(ann, made, 0.5) == picture
    assert pictures.frame(ann, made, 0).hash != picture.hash
    assert pictures.still(ann, made, 99), "after the end it is the last one"
    with pytest.raises(NotFound):
        pictures.still(ben, made, 0.5)
    for never in (-1, float("nan"), float("inf")):
        with pytest.raises(InvalidInput):
            pictures.still(ann, made, never)
    storage().delete(videos.get(ann, made).file_name)
    with pytest.raises(NotReady):
        pictures.still(ann, made, 0.5)
