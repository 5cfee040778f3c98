import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from foveal.drawing.scales import diverging
from foveal.errors import UsageError
from foveal.looking.fields import receptive_field
from foveal.looking.kernels import limit_of
from foveal.looking.subject import Seen, Subject, subject_of
from foveal.looking.walk import nodes_of
from foveal.pages.look import LookPage, look_page, page_of
from foveal.pages.packing import averaged
from foveal.pictures.sources import gather
from foveal.visible import visible
from support.browser import HOSTILE, Opened, opened, until
from support.models import small_autoencoder, small_model

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


def pictures(shape: tuple[int, int, int], count: int = 2) -> np.ndarray:
    channels, height, width = shape
    levels = np.random.default_rng(3).integers(0, 256, (count, height, width, channels))
    return levels.astype(np.uint8)


def drawn(net: str, seed: int = 1) -> Subject:
    """A network whose normalisations have seen something."""
    subject = subject_of(net, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for module in subject.network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            for tensor in (module.running_mean, module.running_var, module.weight, module.bias):
                assert tensor is not None
                tensor.data = torch.rand(tensor.shape, generator=generator) + 0.1
    return subject


def written_to(folder: Path, page: LookPage) -> Path:
    return page.save(folder / "look.html")


def ready(found: Opened) -> Any:
    found.page.wait_for_selector("html[data-ready]", state="attached", timeout=10_000)
    return found.page


def known(subject: Subject, seen: Seen, picture: int) -> list[np.ndarray]:
    """What comes out of each node, by torch."""
    nodes = nodes_of(subject.plan)
    inputs = seen.inputs[picture : picture + 1]
    _, passed = subject.traced(inputs, [one.number for one in nodes[1:]])
    return [inputs[0].numpy(), *(passed[one.number].outputs[0].numpy() for one in nodes[1:])]


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


def with_snapshots() -> Subject:
    """A model that keeps its kernels of three times, the last of them its own."""
    model = small_model()
    generator = torch.Generator().manual_seed(0)
    kernels = torch.rand(3, 16, 1, 3, 3, generator=generator) - 0.5
    kernels[-1] = next(iter(model.network.parameters())).detach()
    provenance = model.provenance.model_copy(update={"snapshot_steps": [0, 3, 6]})
    return subject_of(replace(model, snapshots=kernels, provenance=provenance))


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
