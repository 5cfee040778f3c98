"""Targets that labels say: taught, asked and judged without a word of their kind.

What a further kind writes stands in three files, by who asks: `teaching` (training), `answering`
(prediction) and `judging` (evaluation), after `target` (whoever reads labels).
"""

from __future__ import annotations

from foveal.targets.judging import Judging
from foveal.targets.teaching import Teaching


class Labelled(Teaching, Judging):
    """A target that labels say: what a network answers is held against them."""
