"""The page of a network: how it is laid out, walked through, and bounded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveal.errors import UsageError
from foveal.looking.subject import subject_of
from foveal.looking.walk import nodes_of
from foveal.pages.look import look_page, page_of
from foveal.pictures.sources import gather
from foveal.visible import visible
from support.browser import HOSTILE, opened, until
from support.look_pages import known, pictures, ready, with_snapshots, written_to
from support.models import small_autoencoder, small_model


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_pages_open_in_silence_at_every_width(
    width: int, dark: bool, tmp_path: Path, browser: Any
) -> None:
    path = written_to(tmp_path, page_of(with_snapshots(), gather(pictures((1, 8, 8)))))
    with opened(browser, path, width=width, dark=dark) as found:
        page = ready(found)
        page.wait_for_selector("#kernels-drawn canvas")
        wide = page.evaluate("document.documentElement.scrollWidth")
        paper = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
    assert (found.errors, found.requests) == ([], [])
    assert wide <= width
    assert (paper == "rgb(255, 255, 255)") is not dark


def test_a_finger_points_too_and_the_panel_stays_in_sight(tmp_path: Path, browser: Any) -> None:
    path = written_to(tmp_path, page_of(subject_of(small_model()), gather(pictures((1, 8, 8)))))
    with opened(browser, path, width=390) as found:
        page = ready(found)
        page.locator("canvas[data-place='1']").scroll_into_view_if_needed()
        where = page.evaluate(
            """() => {
                const sheet = foveal.sheets.get(1), box = sheet.canvas.getBoundingClientRect();
                const [x, y] = sheet.corner(4);
                return [box.left + x + 2.5 * sheet.zoom, box.top + y + 6.5 * sheet.zoom];
            }"""
        )
        page.touchscreen.tap(*where)
        until(page, "foveal.spot.channel === 4")
        spot = page.evaluate("[foveal.spot.place, foveal.spot.row, foveal.spot.column]")
        panel = page.locator(".panel").bounding_box()
    assert spot == [1, 6, 2]
    assert 0 <= panel["y"] < 900
    assert found.errors == []


def test_layers_are_counted_as_the_plan_numbers_them() -> None:
    network = "3x8x8 | residual(conv 3 3x3 same | relu) | flatten | dense 2"
    page = page_of(subject_of(network), gather(pictures((3, 8, 8))))
    assert "2 out, 3 layers (5 with those within them), " in page.html


def test_planes_of_the_picture_are_called_by_their_colours(tmp_path: Path, browser: Any) -> None:
    network = "3x8x8 | conv 2 3x3 | conv 2 3x3 | flatten | dense 2"
    path = written_to(tmp_path, page_of(subject_of(network), gather(pictures((3, 8, 8)))))
    options = "[...document.querySelectorAll('#channel option')].map(one => one.text.split(':')[0])"
    with opened(browser, path) as found:
        page = ready(found)
        for place, wanted in ((1, {"red", "green", "blue"}), (2, {"map 0", "map 1"})):
            page.evaluate(f"foveal.go({{place: {place}, channel: 1, row: 2, column: 2}})")
            assert set(page.evaluate(options)) == wanted
        page.evaluate("foveal.go({place: 0, channel: 1, row: 2, column: 2})")
        assert page.text_content(".spot").startswith("green, row 2")
    assert found.errors == []


def test_the_keyboard_walks_through_pixels_maps_pictures_and_classes(
    tmp_path: Path, browser: Any
) -> None:
    path = written_to(tmp_path, page_of(subject_of(small_model()), gather(pictures((1, 8, 8)))))
    with opened(browser, path) as found:
        page = ready(found)
        page.focus("canvas[data-place='1']")
        page.evaluate("foveal.go({place: 1, channel: 2, row: 3, column: 4})")
        spot = "[foveal.spot.channel, foveal.spot.row, foveal.spot.column]"
        for key, wanted in (
            ("ArrowRight", [2, 3, 5]),
            ("ArrowUp", [2, 2, 5]),
            ("ArrowLeft", [2, 2, 4]),
            ("ArrowDown", [2, 3, 4]),
            ("PageDown", [3, 3, 4]),
            ("PageUp", [2, 3, 4]),
        ):
            page.keyboard.press(key)
            assert page.evaluate(spot) == wanted, key
        for _ in range(30):
            page.keyboard.press("ArrowDown")
        assert page.evaluate(spot) == [2, 7, 4]
        page.focus("#picture-0")
        page.keyboard.press("ArrowRight")
        until(page, "foveal.net.picture === 1")
        reached = []
        for _ in range(48):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate("document.activeElement.className || document.activeElement.id")
            )
    assert found.errors == []
    assert {"maps", "share", "link", "desk-size", "desk-stride"} <= set(reached)


@pytest.mark.parametrize("width", [390, 1600])
def test_a_link_lands_on_its_heading_though_layers_are_drawn_on_the_way(
    width: int, tmp_path: Path, browser: Any
) -> None:
    subject = subject_of("3x32x32 | 12*(conv 40 3x3 same relu) | globalpool | dense 3")
    path = written_to(tmp_path, page_of(subject, gather(pictures((3, 32, 32)))))
    height = "document.documentElement.scrollHeight"
    with opened(browser, path, width=width) as found:
        page = ready(found)
        page.wait_for_timeout(100)
        whole = page.evaluate(height)
        undrawn = page.evaluate(
            "[...foveal.sheets.values()].filter(one => !one.channels.length).length"
        )
        for name in ("desk", "way", "classes"):
            page.click(f".jumps a[href='#{name}']")
            page.wait_for_timeout(100)
            top = page.evaluate(f"document.getElementById('{name}').getBoundingClientRect().top")
            bar = page.evaluate("document.querySelector('.bar').getBoundingClientRect().bottom")
            at_end = page.evaluate(f"scrollY + innerHeight >= {height} - 1")
            assert bar - 1 <= top < (900 if at_end else bar + 60), name
            page.evaluate("scrollTo(0, 0)")
        for place in range(0, whole, 500):
            page.evaluate(f"scrollTo(0, {place})")
            page.wait_for_timeout(20)
        assert undrawn > 6
        assert abs(page.evaluate(height) - whole) <= 24
    assert found.errors == []


def test_of_one_picture_no_fewer_are_advised() -> None:
    net = "3x64x64 | 3*(conv 64 3x3 same) | globalpool | dense 3"
    told = [
        page_of(subject_of(net), gather(pictures((3, 64, 64), count)), largest=300_000).left_out
        for count in (1, 2)
    ]
    assert [sum("Fewer pictures" in one for one in lines) for lines in told] == [0, 1]


def test_hostile_names_are_text(tmp_path: Path, browser: Any) -> None:
    model = small_model()
    names = np.array(HOSTILE[:3])
    subject = replace(
        subject_of(model), name=HOSTILE[0], classes=tuple(map(str, names)), trained=True
    )
    seen = gather(pictures((1, 8, 8), 6))
    hostile = replace(seen, names=list(HOSTILE[:6]))
    path = written_to(tmp_path, page_of(subject, hostile))
    with opened(browser, path) as found:
        page = ready(found)
        labels = page.eval_on_selector_all(
            "#pictures bdi", "all => all.map(one => one.textContent)"
        )
        shares = page.eval_on_selector_all(".share bdi", "all => all.map(one => one.textContent)")
        scripts = page.eval_on_selector_all("script", "all => all.length")
    assert (found.errors, found.requests) == ([], [])
    assert sorted(shares) == sorted(HOSTILE[:3])
    assert labels[1:3] == [one.rpartition("/")[2] for one in HOSTILE[1:3]]
    assert labels[3:] == [visible(one) for one in HOSTILE[3:6]]
    assert scripts == 7


def test_autoencoders_show_their_code_and_no_classes(tmp_path: Path, browser: Any) -> None:
    model = small_autoencoder(shape=(3, 8, 8))
    subject, array = subject_of(model), gather(pictures((3, 8, 8)))
    path = written_to(tmp_path, page_of(subject, array))
    made = np.rint(255 * known(subject, subject.seen(array), 0)[-1].clip(0, 1))
    with opened(browser, path) as found:
        page = ready(found)
        assert page.query_selector("#classes") is None
        halves = page.eval_on_selector_all(".half", "all => all.map(one => one.textContent)")
        last = page.locator("canvas.colour").last
        last.scroll_into_view_if_needed()
        until(
            page,
            "foveal.sheets.get(Number(document.querySelectorAll('canvas.colour')[1].dataset.place)).channels.length",
        )
        corner = last.evaluate(
            "one => Array.from(one.getContext('2d').getImageData(0, 0, 1, 1).data)"
        )
    assert halves == ["The encoder", "The code", "The decoder"]
    assert np.abs(np.array(corner[:3]) - made[:, 0, 0]).max() <= 1
    assert found.errors == []


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        ("500*(conv 1 3x3 same)", (1, 64, 64)),
        ("conv 2000 3x3 same relu | conv 8 1x1 | globalpool | dense 10", (3, 32, 32)),
        ("globalpool | dense 10000", (3, 48, 48)),
        ("conv 4 1x1 | flatten | dense 2", (1, 1, 1)),
        ("conv 2 3x3 stride 4 | maxpool 8 | globalpool | dense 2", (3, 1300, 900)),
    ],
)
def test_pages_are_bounded_and_say_what_is_not_there(
    net: str, shape: tuple[int, int, int], tmp_path: Path, browser: Any
) -> None:
    text = f"{'x'.join(map(str, shape))} | {net}"
    page = page_of(subject_of(text), gather(pictures(shape, 2)))
    assert len(page.html.encode()) < 8_000_000
    outer, every = len(subject_of(text).plan.layers), len(nodes_of(subject_of(text).plan)) - 1
    assert (
        f", {outer} layers{f' ({every} with those within them)' * (every > outer)}, " in page.html
    )
    layers = page.html.count('<section class="layer')
    assert layers == len(nodes_of(subject_of(text).plan))
    with opened(browser, written_to(tmp_path, page)) as found:
        ready(found)
    assert found.errors == []


def test_pages_become_smaller_when_asked_to() -> None:
    subject, array = subject_of("tinyvgg"), gather(pictures((3, 64, 64), 8))
    whole = page_of(subject, array)
    small = page_of(subject, array, largest=400_000)
    assert len(small.html.encode()) <= 400_000 < len(whole.html.encode())
    assert whole.left_out == ("2 further pictures: a page holds 6.",)
    assert any("most active maps" in one for one in small.left_out)


def test_a_network_that_overflows_has_no_page() -> None:
    model = small_model("conv 4 3x3 same relu | flatten | dense")
    model.network[0].weight.data[0, 0, 1, 1] = 3e38
    with pytest.raises(UsageError, match="a network that gives numbers"):
        look_page(model, np.full((1, 8, 8, 1), 200, np.uint8))


def test_units_of_timm_say_what_they_hold() -> None:
    pytest.importorskip("timm")
    subject = subject_of(
        "3x32x32 | timm resnet18 conv1 gives 64x16x16 holds 9408 | "
        "timm resnet18 layer1.0 gives 64x16x16 holds 73984 | globalpool | dense 2"
    )
    page = page_of(subject, gather(pictures((3, 32, 32), 1))).html
    assert page.count("what this unit holds") == 2
    assert "conv 64 7x7 stride 2 padding 3 nobias, 64x3x7x7 weights" in page
    assert "conv2: conv 64 3x3 padding 1 nobias, 64x64x3x3 weights" in page
    assert "Also " in page and "not step by step: only the code of timm knows" in page
    plain = page_of(
        subject_of("1x8x8 | conv 4 3x3 | flatten | dense 2"), gather(pictures((1, 8, 8)))
    )
    assert "what this unit holds" not in plain.html


def test_a_deep_network_is_folded_until_it_is_asked_for(tmp_path: Path, browser: Any) -> None:
    subject = subject_of("3x16x16 | 28*(conv 4 3x3 same relu) | globalpool | dense 3")
    path = written_to(tmp_path, page_of(subject, gather(pictures((3, 16, 16)))))
    unfolded = "[...foveal.sheets.values()].filter(one => one.unfolded).map(one => one.place)"
    with opened(browser, path, width=390) as found:
        page = ready(found)
        assert page.evaluate(unfolded) == [0, 1, 2, 3]
        folded = page.evaluate("document.documentElement.scrollHeight")
        page.locator("#layer-8").focus()
        page.locator("summary:has(#layer-8)").press("Enter")
        until(page, "foveal.sheets.get(8).channels.length === 4")
        page.evaluate("foveal.go({place: 12, channel: 1, row: 2, column: 2}, true)")
        assert page.evaluate(unfolded) == [0, 1, 2, 3, 8, 12]
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        drawn = "[...foveal.sheets.values()].filter(one => one.channels.length)"
        assert page.evaluate(f"{drawn}.every(one => one.unfolded)")
        page.click("#unfold")
        assert page.evaluate(unfolded) == list(range(len(nodes_of(subject.plan))))
        assert page.evaluate("document.documentElement.scrollHeight") > 1.4 * folded
        assert page.locator("#unfold").count() == 0
    assert found.errors == []


def test_a_network_of_few_layers_is_not_folded() -> None:
    html = page_of(
        subject_of("3x16x16 | conv 4 3x3 | flatten | dense 3"), gather(pictures((3, 16, 16)))
    ).html
    assert html.count("<details open>") == 4 and 'id="unfold"' not in html
