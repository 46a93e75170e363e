"""What is told about the end of a video."""

import pytest

from aivideo.core.browsers import in_words
from aivideo.core.notice import Kind, of_many, of_one, quoted


def test_one_end_names_its_video_says_why_and_leads_to_it():
    words = of_one(Kind.FAILED, 7, "A cat", "The provider failed. Your 100 credits are back.")
    assert words.text == "“A cat” failed. The provider failed. Your 100 credits are back."
    assert (words.tone, words.href, words.tag) == ("danger", "/videos/7", "video-7")
    assert of_one(Kind.COMPLETED, 7, "A cat", None).text == "Your video is ready: “A cat”."
    assert "at no charge" in of_one(Kind.LATE, 7, "A cat", "It took too long.").text


@pytest.mark.parametrize(
    ("kinds", "text", "tone"),
    [
        ("ccf", "3 videos ended: 2 are ready, 1 failed.", "success"),
        ("cl", "2 videos are ready.", "success"),
        ("ff", "2 videos failed.", "danger"),
        ("c" * 1200, "1,200 videos are ready.", "success"),
    ],
)
def test_many_ends_are_counted(kinds, text, tone):
    words = of_many([{"c": Kind.COMPLETED, "f": Kind.FAILED, "l": Kind.LATE}[kind] for kind in kinds])
    assert (words.text, words.tone, words.href) == (text, tone, "/videos")


def test_a_name_is_one_short_line():
    assert quoted("two\nlines\r\n and\ttabs") == "“two lines and tabs”"
    assert len(quoted("long " * 100)) <= 62


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/19.0 Safari/605.1.15", "Safari on Mac"),
        ("curl/8.1", "curl"),
        ("", "A browser"),
        ("<script>", "A browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(user_agent, words):
    assert in_words(user_agent) == words
