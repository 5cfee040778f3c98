"""How layers are called in errors: as a person counts them, in whichever text they typed them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numbering:
    """Names of the layers of a network, which may be put together of several texts.

    Examples
    --------
    >>> halves = Numbering((("encoder", 1), ("decoder", 5)))
    >>> halves.called("3.2"), halves.called("6"), Numbering().called("6")
    ('layer 2.2 of the encoder', 'layer 1 of the decoder', 'layer 6')
    """

    texts: tuple[tuple[str, int], ...] = ()
    """What each text is called, and how many layers of the network come before its first."""

    def called(self, number: str) -> str:
        """Return what the layer of a plan number is called."""
        name, own = self._within(number)
        return f"layer {own}" + f" of the {name}" * bool(name)

    def first(self, number: str) -> int:
        """Return the number of a layer in its text; of one inside a residual that of the outer."""
        return int(self._within(number)[1].partition(".")[0])

    def _within(self, number: str) -> tuple[str, str]:
        outer, *inner = number.split(".")
        for name, before in reversed(self.texts):
            if int(outer) > before:
                return name, ".".join([str(int(outer) - before), *inner])
        return "", number


PLAIN = Numbering()
"""Of a network that was typed whole."""
