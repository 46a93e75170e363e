"""Pictures the simulator makes: `draw` a clip, or `draw_shots` in one, and `thumbnail` and `spritesheet` of it.

Importing it costs 0.2 s.
"""

from aivideo.providers.simulator.drawing.clip import Shot, draw, draw_shots
from aivideo.providers.simulator.drawing.stills import spritesheet, thumbnail

__all__ = ["Shot", "draw", "draw_shots", "spritesheet", "thumbnail"]
