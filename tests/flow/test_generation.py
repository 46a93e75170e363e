"""From the API call to the file, with real web, worker and simulator processes."""

import av
import pytest
import requests
from marks import on_both_databases


@on_both_databases
@pytest.mark.timeout(300)
@pytest.mark.parametrize("alone", [False, True], ids=["built in", "stand-alone"])
def test_a_video_goes_all_the_way(installation, database, tmp_path, alone):
    if alone:
        installation.start_simulator("--seconds", "1")
    installation.start()
    api = installation.api(installation.user())
    answer = api.generate(seconds=4)
    assert answer.status_code == 202, answer.text
    accepted = {"video_id": 1, "video_ids": [1], "status": "pending", "credits_charged": 50, "credits_left": 950}
    assert answer.json() == accepted
    video = api.until_ended(1)
    assert video["status"] == "completed", (video, installation.log("worker"))
    assert (video["stage"], video["progress"], video["error"]) == ("ended", 100, None)
    assert video["video_url"] == "/videos/1/file"
    file = api.http.get(installation.url + video["video_url"], timeout=15)
    assert file.headers["Content-Type"] == "video/mp4"
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(file.content)
    with av.open(str(copy)) as clip:
        assert (clip.streams.video[0].width, clip.streams.video[0].height) == (1280, 720)
        assert abs(float(clip.duration) / av.time_base - 4) < 0.2
    assert next(tmp_path.rglob("user_1_video_1.mp4")).read_bytes() == file.content
    with requests.get(f"{api.url}/videos/1/stream", headers=dict(api.http.headers), timeout=15) as stream:
        text = stream.content.decode()
    steps = ["🚀", "🔍", "🤖", "✅ Video job submitted", "⏳ Waiting", "⏳ Processing", "💾", "📦", "🎉"]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    assert api.credits() == 950
