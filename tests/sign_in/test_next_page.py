"""Which addresses are our own pages."""

import pytest

from aivideo.sign_in.next_page import own_page


@pytest.mark.parametrize("target", ["/", "/videos", "/videos/42?page=2#top", "/a//b", "/videos?next=https://x.example"])
def test_a_path_of_ours_is_kept_as_it_is(target):
    assert own_page(target) == target


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "videos",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/videos\\..\\evil",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\x00/evil.example",
        " //evil.example",
        "https://evil.example",
        "https:evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://localhost/videos",
    ],
)
def test_what_a_browser_could_read_as_another_site_is_dropped(target):
    assert own_page(target) is None
