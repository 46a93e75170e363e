"""The catalogue prices what users ask for, refuses what cannot be made, and can be replaced by a file."""

import tomllib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivideo.core import catalogue
from aivideo.core.catalogue import BUILT_IN, CatalogueError
from aivideo.core.errors import InvalidInput

BUILT = catalogue.load()
PROMPT = "A cat walks through the rain"
GOOD = BUILT_IN.read_text()


def test_the_default_form_costs_100_credits():
    order = BUILT.order(PROMPT)
    assert (order.model, order.size, order.seconds, order.credits) == ("sora-2", "1280x720", 8, 100)
    assert order.usd == pytest.approx(0.80)


@pytest.mark.parametrize(
    ("model", "size", "seconds", "credits"),
    [
        ("sora-2", "1280x720", 4, 50),
        ("sora-2", "720x1280", 8, 100),
        ("sora-2", "1280x720", 12, 150),
        ("sora-2-pro", "1280x720", 4, 150),
        ("sora-2-pro", "720x1280", 8, 300),
        ("sora-2-pro", "1280x720", 12, 450),
        ("sora-2-pro", "1792x1024", 4, 250),
        ("sora-2-pro", "1024x1792", 8, 500),
        ("sora-2-pro", "1792x1024", 12, 750),
    ],
)
def test_the_table_of_prices(model, size, seconds, credits):
    assert BUILT.order(PROMPT, model, size, seconds).credits == credits
    assert BUILT.order(PROMPT, model, size, str(seconds)).credits == credits


def test_free_cannot_generate_creator_makes_three_at_once_and_studio_fifty():
    plans = {plan.id: (plan.can_generate, plan.under_way) for plan in BUILT.plans.values()}
    assert plans == {"free": (False, 0), "creator": (True, 3), "studio": (True, 50)}


def test_a_plan_that_was_taken_out_of_the_catalogue_can_do_nothing():
    assert BUILT.plan("platinum").can_generate is False


def _errors(*order, **more):
    with pytest.raises(InvalidInput) as caught:
        BUILT.order(*order, **more)
    return caught.value.errors


def test_a_prompt_needs_ten_characters_that_are_not_blanks():
    assert _errors("  too short  "[:11]) == {"prompt": ["Describe your video in at least 10 characters."]}
    assert BUILT.order("  ten chars  ".replace(" c", "-c") + ".").prompt == "ten-chars  ."


def test_a_prompt_that_is_too_long_says_how_long_it_is():
    assert _errors("x" * 4001) == {"prompt": ["Keep the prompt to 4000 characters; this one has 4001."]}
    assert BUILT.order("x" * 4000).prompt == "x" * 4000


def test_every_wrong_field_is_named_at_once_with_what_is_allowed():
    assert _errors("short", "sora-2", "640x480", "9") == {
        "prompt": ["Describe your video in at least 10 characters."],
        "size": ["Sora 2 cannot make 640x480. Allowed: 1280x720, 720x1280."],
        "seconds": ["Sora 2 cannot make 9 seconds. Allowed: 4, 8, 12."],
    }
    assert _errors(PROMPT, "sora-9") == {"model": ["There is no model “sora-9”. Allowed: sora-2, sora-2-pro."]}


def test_a_model_without_pictures_refuses_one():
    text_only = catalogue.parse(tomllib.loads(GOOD.replace('"input_reference", ', "")))
    with pytest.raises(InvalidInput) as caught:
        text_only.order(PROMPT, with_picture=True)
    assert caught.value.errors == {"input_reference": ["Sora 2 cannot start from a picture."]}
    assert BUILT.order(PROMPT, with_picture=True).credits == 100


def test_a_server_takes_off_what_it_cannot_do():
    own = catalogue.parse(tomllib.loads(OWN.replace("[plans.all]", SERVERS + "[plans.all]")))
    assert own.default_model.can("remix")
    for url, able in {
        "http://127.0.0.1:8091/v1": (False, False),
        "http://127.0.0.1:8091/v1/": (False, False),
        "https://one.example.com/v1": (True, False),
        "https://example.org/v1": (True, True),
    }.items():
        model = own.at(url).default_model
        assert (model.can("remix"), model.can("extend")) == able
    azure = BUILT.at("https://ours.openai.azure.com/openai/v1")
    assert [sorted(model.capabilities) for model in azure.models] == [["input_reference", "remix"]] * 2


def test_a_remix_may_be_longer_than_what_can_be_ordered():
    assert BUILT.order(PROMPT, seconds=20, any_length=True).credits == 250
    with pytest.raises(InvalidInput):
        BUILT.order(PROMPT, seconds=20)
    with pytest.raises(InvalidInput):
        BUILT.order(PROMPT, seconds=0, any_length=True)


@given(
    prompt=st.text(),
    model=st.none() | st.text() | st.sampled_from([model.id for model in BUILT.models]),
    size=st.none() | st.text() | st.sampled_from(["1280x720", "1792x1024"]),
    seconds=st.none() | st.text() | st.integers() | st.sampled_from(["4", 8]),
)
def test_whatever_is_sent_becomes_a_sound_order_or_an_error_in_words(prompt, model, size, seconds):
    errors: dict[str, list[str]] = {}
    try:
        order = BUILT.order(prompt, model, size, seconds)
    except InvalidInput as error:
        errors = error.errors
    if errors:
        assert set(errors) <= {"prompt", "model", "size", "seconds"}
        assert all(message.endswith(".") for messages in errors.values() for message in messages)
        return
    chosen = BUILT.model(order.model)
    assert chosen is not None
    assert order.seconds in chosen.seconds
    assert order.credits == chosen.size(order.size).credits_per_second * order.seconds
    assert 10 <= len(order.prompt) <= 4000


OWN = """
[[models]]
id = "wan-2"
seconds = [5]
sizes = [{ size = "832x480", credits_per_second = 0.3 }]

[plans.all]
name = "Everybody"
can_generate = true
under_way = 2
"""


SERVERS = """
capabilities = ["remix", "extend"]

[servers."http://127.0.0.1:8091/v1"]
without = ["remix", "extend"]

[servers."https://*.example.com/v1/"]
without = ["extend"]

"""


def test_an_operator_can_replace_it(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    own = catalogue.load(file)
    order = own.order(PROMPT)
    assert (order.model, order.size, order.seconds, order.credits, order.usd) == ("wan-2", "832x480", 5, 2, 0)
    assert own.default_model.name == "wan-2"
    assert own.default_model.sizes[0].credits_per_second == Fraction(3, 10)
    assert (own.default_model.sizes[0].width, own.default_model.sizes[0].height) == (832, 480)
    assert not own.default_model.can("remix")
    assert (own.prompt_min, own.prompt_max) == (10, 4000)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('id = "wan-2"', "", "models[0].id is missing"),
        ('id = "wan-2"', "id = 2", "models[0].id must be a text, not 2"),
        ("seconds = [5]", "", "models[0].seconds is missing"),
        ("seconds = [5]", "seconds = []", "models[0].seconds must be a list of at least one, not []"),
        ("seconds = [5]", "seconds = [4.5]", "models[0].seconds must be whole numbers, 1 or more, not 4.5"),
        ("seconds = [5]", "seconds = [0]", "models[0].seconds must be whole numbers, 1 or more, not 0"),
        (
            "seconds = [5]",
            "seconds = [5]\ndefault_seconds = 6",
            "models[0].default_seconds must be one of seconds, not 6",
        ),
        ("832x480", "832", "models[0].sizes[0].size must be like 1280x720, not '832'"),
        ("832x480", "0x480", "models[0].sizes[0].size must be like 1280x720, not '0x480'"),
        ("0.3", "-1", "models[0].sizes[0].credits_per_second must be a number, 0 or more, not -1"),
        ("0.3", "inf", "models[0].sizes[0].credits_per_second must be a number, 0 or more, not inf"),
        ("0.3", "nan", "models[0].sizes[0].credits_per_second must be a number, 0 or more, not nan"),
        ("0.3", '"12"', "models[0].sizes[0].credits_per_second must be a number, 0 or more, not '12'"),
        (", credits_per_second = 0.3", "", "models[0].sizes[0].credits_per_second is missing"),
        ('[{ size = "832x480", credits_per_second = 0.3 }]', '["832x480"]', "models[0].sizes[0] must be a table"),
        ("[[models]]", "[[model]]", "models is missing"),
        ("[plans.all]", "[plan.all]", "plans is missing"),
        ("can_generate = true", 'can_generate = "no"', "plans.all.can_generate must be true or false, not 'no'"),
        ("under_way = 2", "under_way = -1", "plans.all.under_way must be a whole number, 0 or more, not -1"),
        ("under_way = 2", "", "plans.all.under_way is missing"),
        ("[[models]]", "prompt_min = 5000\n[[models]]", "prompt_min must not be more than prompt_max"),
        ("[[models]]", "prompt_min = 'ten'\n[[models]]", "prompt_min must be a whole number, 0 or more, not 'ten'"),
        ("[plans.all]", OWN.split("[plans")[0] + "[plans.all]", "models: each needs an id of its own"),
        ("[plans.all]", "[plans.all", "is not valid TOML"),
        ("[plans.all]", "[servers.here]\n[plans.all]", 'servers."here".without is missing'),
        (
            "[plans.all]",
            '[servers.here]\nwithout = ["remixes"]\n[plans.all]',
            "servers.\"here\".without must be some of input_reference, remix, extend, not 'remixes'",
        ),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_says_where(tmp_path, before, after, complaint):
    file = tmp_path / "own.toml"
    assert before in OWN
    file.write_text(OWN.replace(before, after))
    with pytest.raises(CatalogueError) as caught:
        catalogue.load(file)
    line = str(caught.value)
    assert line.startswith(f"{file}: {complaint}")
    assert "\n" not in line


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b""])
def test_a_file_that_cannot_be_read_or_is_empty_is_one_line(tmp_path, content):
    file = tmp_path / "own.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CatalogueError) as caught:
        catalogue.load(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "sizes", "seconds", "name"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["models", "plans", "prompt_min", "prompt_max"]), JSON_LIKE))
def test_whatever_the_file_holds_a_mistake_is_a_value_error(data):
    with pytest.raises(ValueError):
        catalogue.parse(data)
