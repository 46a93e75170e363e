"""What helps to write a prompt: a dozen starting points, and a form of parts that becomes one text."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StartingPoint:
    """A prompt to begin with. Its preview, drawn by the simulator, is `static/starting/{name}.webp`."""

    name: str
    title: str
    prompt: str


@dataclass(frozen=True)
class Part:
    """One field of the helper, with what might stand there."""

    name: str
    label: str
    example: str
    choices: tuple[str, ...] = ()


STARTING_POINTS = (
    StartingPoint(
        "neon-rain",
        "Neon rain",
        "Slow tracking shot at street level through a narrow market lane at night in the rain. Neon signs shimmer in "
        "the puddles, a woman with a clear umbrella walks past, steam rises from a food stall. Shallow depth of "
        "field, teal and magenta light, quiet and cinematic.",
    ),
    StartingPoint(
        "dune-caravan",
        "Dune caravan",
        "Wide aerial shot gliding low over desert dunes at dusk. A caravan of seven camels crosses the ridge in "
        "single file, long shadows reach down the slope, sand drifts off the crest in the wind. Warm side light, vast"
        " and calm.",
    ),
    StartingPoint(
        "forest-light",
        "Forest light",
        "The camera moves slowly forward between tall beech trees in the early morning. Shafts of sunlight fall "
        "through the mist, dust and pollen float in the beams, a deer lifts its head and looks into the lens. Soft "
        "green and gold, hushed.",
    ),
    StartingPoint(
        "moonlit-swell",
        "Moonlit swell",
        "Locked-off wide shot of the open sea at night. A full moon lays a silver path over slow, heavy swell, one "
        "small sailing boat rises and sinks in it with a single lantern at the mast. Deep blue, long exposure feel, "
        "lonely.",
    ),
    StartingPoint(
        "paper-valley",
        "Paper valley",
        "Stop-motion animation of a valley made of cut paper. Layered hills unfold one after another like a pop-up "
        "book, a paper train puffs cotton smoke along the ridge, birds on thin wires circle above. Soft studio light,"
        " visible paper grain, playful.",
    ),
    StartingPoint(
        "above-the-mist",
        "Above the mist",
        "Drone shot rising out of a sea of fog at sunrise. Mountain ridges appear one behind the other in fading "
        "blues, an eagle crosses the frame from left to right, the sun breaks over the last ridge. Epic, slow, clean.",
    ),
    StartingPoint(
        "last-light",
        "Last light",
        "Time-lapse of a mountain range at sunset from a fixed camera. Clouds stream over the peaks, the sky turns "
        "from gold to crimson to violet, the lights of a village come on in the valley one by one. Sharp detail, "
        "majestic.",
    ),
    StartingPoint(
        "northern-lights",
        "Northern lights",
        "Wide shot of a frozen lake under a sky full of stars. Green northern lights wave like a curtain above black "
        "fir trees and are mirrored in the ice, a lone figure with a head torch walks towards the far shore. Still, "
        "cold, full of wonder.",
    ),
    StartingPoint(
        "train-window",
        "Train window",
        "View through the window of a moving train on a pale winter morning. Snowy fields and fir woods slide past in"
        " parallax, raindrops creep across the glass in focus, a reflection of a reading passenger. Muted blues, "
        "handheld, nostalgic.",
    ),
    StartingPoint(
        "rose-morning",
        "Rose morning",
        "Slow pan over rolling hills at daybreak in rose and lilac haze. A hot-air balloon lifts off behind the "
        "second ridge, its burner glows once, its shadow glides over the meadows. 35 mm film, gentle grain, tender.",
    ),
    StartingPoint(
        "emerald-coast",
        "Emerald coast",
        "A drone follows a green coastline at low height. Waves break white on black rocks, gulls cross below the "
        "camera, a lighthouse comes into view around the headland. Crisp afternoon light, salt haze, free.",
    ),
    StartingPoint(
        "ember-canyon",
        "Ember canyon",
        "A rider on horseback crosses a red canyon in the last hour of day, seen from far away through a long lens. "
        "Heat shimmers, dust glows behind the hooves, the walls burn orange against a dark sky. Slow motion, western,"
        " proud.",
    ),
)

PARTS = (
    Part(
        "shot",
        "Shot",
        "Wide shot",
        ("Wide shot", "Medium shot", "Close-up", "Extreme close-up", "Aerial shot", "Over the shoulder", "Top view"),
    ),
    Part("subject", "Subject", "a paper boat"),
    Part("action", "Action", "drifts down a rainy street at night"),
    Part(
        "camera",
        "Camera",
        "slow tracking shot at water level",
        ("locked-off camera", "slow push in", "slow pan to the right", "tracking shot", "handheld", "rising drone"),
    ),
    Part(
        "light",
        "Light",
        "neon signs mirrored in puddles",
        ("soft morning light", "golden hour", "overcast daylight", "moonlight", "neon at night", "candlelight"),
    ),
    Part("mood", "Mood", "quiet, dreamy", ("calm", "dreamy", "tense", "playful", "epic", "nostalgic")),
)
LONGEST_PART = 300


def starting_point(name: str) -> StartingPoint | None:
    return next((start for start in STARTING_POINTS if start.name == name), None)


def compose(parts: Mapping[str, str]) -> str:
    """One text of the helper's parts: `Close-up: a paper boat drifts by. Slow push in. Moonlight. Calm.`"""
    said = {part.name: " ".join(parts.get(part.name, "").split())[:LONGEST_PART].strip(" .") for part in PARTS}
    scene = " ".join(filter(None, (said["subject"], said["action"])))
    first = ": ".join(filter(None, (said["shot"], scene)))
    return " ".join(
        f"{text[0].upper()}{text[1:]}." for text in (first, said["camera"], said["light"], said["mood"]) if text
    )
