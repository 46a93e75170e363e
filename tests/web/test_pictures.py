"""Single pictures of one's own videos, as the form shows them."""

import io

from PIL import Image
from provider_inside import time_passes, work_off
from visitor import Visitor

from aivideo.adapters import catalogue
from aivideo.services import accounts, videos


def test_a_picture_of_a_video_is_its_owners(app, simulator, client, alice, bob):
    made = videos.request(alice.id, catalogue().order("A cat walks slowly through the rain", seconds=4)).video_id
    hers, his = Visitor(app), Visitor(app)
    app.config["WTF_CSRF_ENABLED"] = True
    hers.sign_in(alice.email)
    his.sign_in(bob.email)
    path = f"/videos/{made}/frame?at=0.5"
    assert hers.get(path).status_code == 404
    for _ in range(4):
        work_off(app)
        time_passes(3)
    answer = hers.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(answer.data)).size == (320, 180)
    assert {"private", "max-age=86400"} <= set(answer.headers["Cache-Control"].split(", "))
    assert hers.get(f"/videos/{made}/frame").data != answer.data
    assert hers.get(f"/videos/{made}/frame?at=-1").status_code == 422
    assert his.get(path).status_code == 404
    assert client.get(path).headers["Location"].startswith("/login")
    token = {"Authorization": f"Bearer {accounts.issue_token(alice.id)}"}
    assert client.get(path, headers=token).data == answer.data
