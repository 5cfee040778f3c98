"""Elements of SVG, as text: the one place where what goes into a drawing is escaped."""

from __future__ import annotations

from html import escape

from foveal.visible import visible


class Svg(str):
    """Text that is SVG already: any other text is escaped where it goes into an element."""

    __slots__ = ()


def element(tag: str, *children: str | None, **attributes: object) -> Svg:
    """Write an element.

    Parameters
    ----------
    tag : str
        Its name.
    *children : str, optional
        What is in it: elements, and text, which is escaped; None is left out.
    **attributes
        Numbers are written with two decimals at most, None leaves one out. An underscore stands
        for a hyphen, and one at the end for nothing: ``class_="bar", text_anchor="end"``.

    Examples
    --------
    >>> element("text", "a<b", x=1.5, text_anchor="end")
    '<text x="1.5" text-anchor="end">a&lt;b</text>'
    """
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    within = "".join(_within(one) for one in children if one is not None)
    return Svg(f"<{tag}{told}>{within}</{tag}>" if within else f"<{tag}{told}/>")


def joined(*parts: Svg) -> Svg:
    """Set elements one after another."""
    return Svg("".join(parts))


def path(points: list[tuple[float, float]], *, closed: bool = False) -> str:
    """Return the description of a path through points."""
    told = " ".join(f"{_plain(x)} {_plain(y)}" for x, y in points)
    return f"M{told}{'Z' if closed else ''}"


def _within(child: str) -> str:
    return child if isinstance(child, Svg) else escape(visible(child))


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return visible(value, 100_000)
