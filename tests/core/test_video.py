"""A video's states and the words of its log are the ones that were agreed."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivideo.core import video
from aivideo.core.video import ENDED, TRANSITIONS, Line, Stage, Status, Step, may_move, saved_as, status_of


def test_every_stage_has_its_ways_on_and_can_end():
    assert TRANSITIONS.keys() == set(Stage)
    assert all(may_move(stage, Stage.ENDED) for stage in Stage)


def test_the_ordinary_way_leads_from_queued_to_ended():
    way = [Stage.QUEUED, Stage.SUBMITTING, Stage.RENDERING, Stage.SAVING, Stage.ENDED]
    assert all(may_move(before, after) for before, after in pairwise(way))


@pytest.mark.parametrize("before", [Stage.RENDERING, Stage.SAVING, Stage.ENDED])
@pytest.mark.parametrize("after", [Stage.QUEUED, Stage.SUBMITTING])
def test_what_the_provider_accepted_is_never_sent_again(before, after):
    assert not may_move(before, after)


def test_an_ended_video_does_not_start_again():
    assert not any(may_move(Stage.ENDED, stage) for stage in (*video.UPSTREAM, Stage.QUEUED))


def test_a_video_is_not_saved_before_it_was_rendered():
    assert [stage for stage in Stage if may_move(stage, Stage.SAVING)] == [Stage.RENDERING]


@given(st.sampled_from(Stage), st.none() | st.sampled_from(Status))
def test_the_status_follows_from_the_stage(stage, ended_as):
    if stage is not Stage.ENDED:
        assert status_of(stage, ended_as) is (Status.PENDING if stage is Stage.QUEUED else Status.PROCESSING)
    elif ended_as in ENDED:
        assert status_of(stage, ended_as) is ended_as
    else:
        with pytest.raises(ValueError):
            status_of(stage, ended_as)


def test_what_the_provider_may_be_working_on_counts_as_under_way():
    assert set(video.UPSTREAM) < set(video.UNDER_WAY) == set(Stage) - {Stage.QUEUED, Stage.ENDED}


def test_the_lines_of_a_good_run_are_the_agreed_ones():
    assert [
        (Step.STARTED, Line.STARTED),
        (Step.VALIDATING, Line.VALIDATING),
        (Step.IMAGE, Line.IMAGE),
        (Step.IMAGE, Line.IMAGE_READY),
        (Step.SUBMIT, Line.calling("sora-2")),
        (Step.SUBMIT, Line.submitted("video_123")),
        (Step.WAITING, Line.WAITING),
        (Step.PROCESSING, Line.processing(120.9)),
        (Step.DOWNLOADING, Line.DOWNLOADING),
        (Step.SAVING, Line.SAVING),
        (Step.COMPLETED, Line.COMPLETED),
    ] == [
        (0, "🚀 Video generation task started"),
        (1, "🔍 Validating request parameters..."),
        (2, "📸 Downloading and processing reference image..."),
        (2, "✅ Image processed successfully"),
        (3, "🤖 Calling Sora 2 API (model: sora-2)..."),
        (3, "✅ Video job submitted (Job ID: video_123)"),
        (4, "⏳ Waiting for AI processing (this may take 2-5 minutes)..."),
        (5, "⏳ Processing video... (120s elapsed)"),
        (6, "💾 Downloading generated video..."),
        (7, "📦 Saving video to storage..."),
        (9, "🎉 Video generation completed successfully!"),
    ]


def test_names_that_others_rely_on():
    assert video.file_name(7, 42) == "user_7_video_42.mp4"
    assert video.file_url(42) == "/videos/42/file"
    assert video.channel(42) == "video:42"
    assert video.user_channel(7) == "user:7"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("A paper boat", "A paper boat.mp4"),
        ("  Über den\nWolken\t– Teil 2 ", "Über den Wolken – Teil 2.mp4"),
        ("雨の夜の紙の舟", "雨の夜の紙の舟.mp4"),
        ("../../etc/passwd", "etc passwd.mp4"),
        ('a<b>c:d"e/f\\g|h?i*j', "a b c d e f g h i j.mp4"),
        ("boat\u202egpj.exe\x00\u200b", "boatgpj.exe.mp4"),
        ("-rf ~", "rf.mp4"),
        ("CON", "video 7.mp4"),
        ("lpt1.tar", "video 7.mp4"),
        ("...", "video 7.mp4"),
        ("\U0001f600" * 99, "\U0001f600" * 60 + ".mp4"),
        ("word " * 40, ("word " * 12).strip() + ".mp4"),
    ],
)
def test_a_file_is_called_after_its_title_and_safe_on_every_system(words, name):
    assert saved_as(words, 7, ".mp4") == name


@given(st.text())
def test_no_title_makes_a_dangerous_file_name(words):
    name = saved_as(words, 7, ".mp4")
    assert name.endswith(".mp4")
    assert len(name.encode()) <= 255
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>|')
    assert name[0] not in " .-~"
