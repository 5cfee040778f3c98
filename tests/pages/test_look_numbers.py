"""The page of a network: what it reckons and shows is what the network reckons."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveal.drawing.scales import diverging
from foveal.looking.fields import receptive_field
from foveal.looking.kernels import limit_of
from foveal.looking.subject import subject_of
from foveal.looking.walk import nodes_of
from foveal.pages.look import page_of
from foveal.pages.packing import averaged
from foveal.pictures.sources import gather
from support.browser import opened, until
from support.look_pages import drawn, known, pictures, ready, with_snapshots, written_to
from support.models import small_model

FORWARD = (
    "3x20x20 | conv 6 5x5 stride 2 padding 1 prelu | batchnorm | conv 6 3x3 same groups 6 gelu | "
    "maxpool 2 | residual(conv 6 3x3 same relu | conv 6 3x3 same) | "
    "residual(conv 8 3x3 stride 2 same nobias) | silu | upsample 2 bilinear | "
    "avgpool 3 stride 2 same | conv 4 2x2 same groups 2 mish | flatten | dense 12 relu | "
    "batchnorm | dropout 0.2 | dense 4"
)
BACK = (
    "1x12x12 | spacetodepth 2 | conv 8 2x2 dilation 2 elu | globalpool max | dense 18 tanh | "
    "reshape 2x3x3 | convtranspose 4 3x3 stride 2 padding 1 output_padding 1 hardswish | "
    "depthtospace 2 | resize 9x7 bilinear | upsample 2 | softplus | globalpool | dense 3"
)


@pytest.mark.parametrize("net", [FORWARD, BACK])
def test_every_kind_of_layer_is_reckoned_as_the_network_reckons(
    net: str, tmp_path: Path, browser: Any
) -> None:
    subject = drawn(net)
    array = pictures(subject.plan.input)
    path = written_to(tmp_path, page_of(subject, gather(array)))
    values = known(subject, subject.seen(gather(array)), 0)
    generator = np.random.default_rng(0)
    spots, wanted = [], []
    for place, one in enumerate(values[1:], 1):
        for _ in range(4):
            where = [int(generator.integers(side)) for side in one.shape]
            spots.append([place, *where, *[0] * (3 - len(where))])
            wanted.append(float(one[tuple(where)]))
    with opened(browser, path) as found:
        page = ready(found)
        made = page.evaluate(
            "spots => spots.map(one => foveal.net.parts(...one)).map(one => one && one.value)",
            spots,
        )
        read = page.evaluate(
            """spots => spots.map(([place, channel, row, column]) => {
                const [, height, width] = [...foveal.net.look.nodes[place].shape, 1, 1];
                return foveal.net.at(place, (channel * height + row) * width + column);
            })""",
            spots,
        )
    assert found.errors == []
    largest = {spot[0]: float(np.abs(values[spot[0]]).max()) for spot in spots}
    for spot, value, here, own in zip(spots, made, read, wanted, strict=True):
        assert value == pytest.approx(own, rel=1e-4, abs=1e-4 * largest[spot[0]]), spot
        assert here == pytest.approx(own, rel=1e-4, abs=2e-5 * largest[spot[0]]), spot


def test_pointing_at_20_pixels_shows_their_fields_and_numbers(tmp_path: Path, browser: Any) -> None:
    subject = drawn(FORWARD)
    array = pictures(subject.plan.input)
    path = written_to(tmp_path, page_of(subject, gather(array)))
    seen = subject.seen(gather(array))
    nodes = nodes_of(subject.plan)
    places = [place for place, one in enumerate(nodes) if place and len(one.shape) == 3]
    generator = np.random.default_rng(1)
    with opened(browser, path) as found:
        page = ready(found)
        page.click("label[for=picture-1]")
        until(page, "foveal.net.picture === 1")
        for _ in range(20):
            place = int(generator.choice(places))
            channel, row, column = (int(generator.integers(side)) for side in nodes[place].shape)
            shown = pointed(page, place, channel, row, column)
            own = known(subject, seen, 1)[place]
            field = receptive_field(subject.plan, nodes[place].number, row, column)
            top, bottom, left, right = shown["field"]
            assert (top, bottom, left, right) == (field.top, field.bottom, field.left, field.right)
            assert shown["spot"] == [place, channel, row, column]
            assert shown["value"] == pytest.approx(
                float(own[channel, row, column]), rel=1e-4, abs=1e-4 * float(np.abs(own).max())
            )
            assert f"map {channel}, row {row}, column {column}" in shown["text"]
            whole = field.size == subject.plan.input[1:]
            assert ("the whole picture" if whole else f"rows {top} to {bottom - 1}") in shown[
                "text"
            ]
    assert (found.errors, found.requests) == ([], [])


def pointed(page: Any, place: int, channel: int, row: int, column: int) -> dict[str, Any]:
    """Point at a pixel with the mouse; read what the page says of it."""
    page.locator(f"canvas[data-place='{place}']").scroll_into_view_if_needed()
    until(page, f"foveal.sheets.get({place}).channels.length > 0")
    where = page.evaluate(
        """([place, channel, row, column]) => {
            const sheet = foveal.sheets.get(place), box = sheet.canvas.getBoundingClientRect();
            const [x, y] = sheet.corner(sheet.channels.indexOf(channel));
            const scale = box.width / sheet.canvas.width;
            return [box.left + (x + (column + 0.5) * sheet.zoom) * scale,
                    box.top + (y + (row + 0.5) * sheet.zoom) * scale];
        }""",
        [place, channel, row, column],
    )
    page.mouse.click(*where)
    found: dict[str, Any] = page.evaluate(
        """() => {
            const {place, channel, row, column} = foveal.spot, {net} = foveal;
            return {spot: [place, channel, row, column], field: net.field(place, row, column),
                    value: net.parts(place, channel, row, column).value,
                    text: document.getElementById("said").textContent};
        }"""
    )
    return found


def test_what_speaks_for_a_class_adds_up_to_its_share(tmp_path: Path, browser: Any) -> None:
    model = small_model()
    subject = subject_of(replace(model, temperature=0.7))
    array = pictures((1, 8, 8))
    path = written_to(tmp_path, page_of(subject, gather(array)))
    probabilities = replace(model, temperature=0.7).predict_proba(array)[0]
    with opened(browser, path) as found:
        page = ready(found)
        shares = page.eval_on_selector_all(
            ".share",
            "all => all.map(one => [one.querySelector('bdi').textContent, "
            "one.querySelector('.number').textContent])",
        )
        page.click(".share:nth-child(2)")
        title = page.text_content("#shares h3")
        sums = page.text_content("#shares p:last-child")
        page.click("#shares .link")
        spot = page.evaluate("[foveal.net.look.nodes[foveal.spot.place].text, foveal.spot.place]")
    best = np.argsort(-probabilities, kind="stable")
    assert shares == [["abc"[one], f"{100 * probabilities[one]:.1f}\u00a0%"] for one in best]
    exponential, total, share = re.search(r"([\d.]+) / ([\d.]+) = ([\d.]+)", sums).groups()
    assert 100 * float(exponential) / float(total) == pytest.approx(float(share), abs=0.06)
    assert title == f"What speaks for {'abc'[best[1]]}"
    assert spot[0] == "maxpool 4"
    assert found.errors == []


def test_the_desk_counts_as_the_plan_does(tmp_path: Path, browser: Any) -> None:
    path = written_to(tmp_path, page_of(subject_of(small_model()), gather(pictures((1, 8, 8)))))
    with opened(browser, path) as found:
        page = ready(found)
        for size, kernel, padding, stride, wanted in ((32, 5, 0, 1, 28), (13, 3, 1, 2, 7)):
            for name, value in zip(
                ("size", "kernel", "padding", "stride"),
                (size, kernel, padding, stride),
                strict=True,
            ):
                page.fill(f"#desk-{name}", str(value))
            assert f"becomes {wanted}x{wanted}" in page.text_content("#desk-said")
        page.fill("#desk-size", "1")
        page.fill("#desk-kernel", "11")
        assert "does not fit" in page.text_content("#desk-said")
    assert found.errors == []


@pytest.mark.parametrize(
    ("net", "desk"),
    [
        ("3x64x64 | conv 4 3x3 same", (20, 3, 1, 1)),
        ("3x64x64 | conv 4 3x3 stride 2 same", (20, 3, 1, 2)),
        ("3x65x65 | conv 4 7x7 stride 2 same", (20, 7, 3, 2)),
        ("3x64x64 | conv 4 5x5 padding 1", (20, 5, 1, 1)),
        ("1x12x12 | conv 4 5x5", (12, 5, 0, 1)),
    ],
)
def test_the_desk_begins_with_the_first_convolution(net: str, desk: tuple[int, ...]) -> None:
    subject = subject_of(f"{net} | globalpool | dense 3")
    html = page_of(subject, gather(pictures(subject.plan.input))).html
    for name, value in zip(("size", "kernel", "padding", "stride"), desk, strict=True):
        assert re.search(f'id="desk-{name}"[^>]* value="{value}"', html), name


def test_the_slider_shows_the_kernels_of_each_time(tmp_path: Path, browser: Any) -> None:
    subject = with_snapshots()
    path = written_to(tmp_path, page_of(subject, gather(pictures((1, 8, 8)))))
    read = """() => {
        const canvas = document.querySelector('#kernels-drawn canvas');
        return Array.from(canvas.getContext('2d').getImageData(0, 0, 3, 3).data);
    }"""
    with opened(browser, path) as found:
        page = ready(found)
        page.wait_for_selector("#kernels-drawn canvas")
        titles, drawn = [page.text_content("#when")], []
        page.focus("#time")
        for key in ("Home", "ArrowRight"):
            page.keyboard.press(key)
            titles.append(page.text_content("#when"))
            drawn.append(np.reshape(page.evaluate(read), (9, 4))[:, :3])
    assert titles == ["epoch 2, kept", "before", "epoch 1"]
    for time, pixels in enumerate(drawn):
        wanted = diverging(subject.snapshots[time, 0, 0].ravel(), limit_of(subject.snapshots))
        assert np.abs(pixels.astype(int) - wanted.astype(int)).max() <= 3
    assert found.errors == []


def test_maps_of_which_some_are_carried_are_right_within_their_steps(
    tmp_path: Path, browser: Any
) -> None:
    subject = drawn("3x48x48 | 3*(conv 24 3x3 same | batchnorm | relu) | globalpool | dense 3")
    array = gather(pictures((3, 48, 48), 1))
    path = written_to(tmp_path, page_of(subject, array, largest=260_000))
    values = known(subject, subject.seen(array), 0)
    with opened(browser, path) as found:
        page = ready(found)
        nodes = page.evaluate("foveal.net.look.nodes")
        some = [at for at, one in enumerate(nodes) if one["channels"]]
        for place in some:
            channel = nodes[place]["channels"][0]
            shown = page.evaluate(f"foveal.net.map({place}, {channel})")
            maps = averaged(values[place][channel : channel + 1], nodes[place]["reduced"])[0]
            read = np.array(shown["values"])
            step = np.ptp(maps) / 255
            assert np.abs(read.reshape(maps.shape) - maps).max() <= 0.51 * step
        made = page.evaluate(
            """places => places.map(place => {
                const parts = foveal.net.parts(place, foveal.net.channels(place)[0], 20, 20);
                return parts && parts.value;
            })""",
            some,
        )
    assert len(some) >= 6
    fine = [place for place in some if nodes[place]["reduced"] == 1]
    for place, value in zip(some, made, strict=True):
        if value is not None and place in fine:
            own = values[place][nodes[place]["channels"][0]]
            assert value == pytest.approx(float(own[20, 20]), abs=0.01 * float(np.ptp(own)))
    assert any(value is not None for value in made)
    assert found.errors == []
