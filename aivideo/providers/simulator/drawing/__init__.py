"""Pictures the simulator makes: `draw` a clip, and `thumbnail` and `spritesheet` of one. Importing it costs 0.2 s."""

from aivideo.providers.simulator.drawing.clip import draw
from aivideo.providers.simulator.drawing.stills import spritesheet, thumbnail

__all__ = ["draw", "spritesheet", "thumbnail"]
