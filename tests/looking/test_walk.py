import numpy as np

from foveal.looking.subject import subject_of
from foveal.looking.walk import activity, nodes_of, strands, walk
from foveal.pictures.sources import gather

NET = (
    "3x12x12 | conv 4 3x3 same | batchnorm | residual(conv 4 3x3 same relu | conv 4 3x3 same) | "
    "maxpool 2 | conv 8 3x3 same | flatten | dense 2"
)


def test_stages_follow_the_order_of_computing() -> None:
    nodes = nodes_of(subject_of(NET).plan)
    assert [one.number for one in nodes] == ["0", "1", "2", "3.1", "3.2", "3", "4", "5", "6", "7"]
    assert [one.source for one in nodes] == [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert [one.shortcut for one in nodes if one.shortcut >= 0] == [2]


def test_maps_keep_their_number_through_shortcuts_and_pooling() -> None:
    found = strands(nodes_of(subject_of(NET).plan))
    picture, conv, norm, inner, branch, joined, pool, other, *_ = found
    assert conv == norm == branch == joined == pool
    assert len({picture, conv, inner, other}) == 4


def test_the_walk_tells_what_torch_computes() -> None:
    subject = subject_of(NET)
    array = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3)).astype(np.uint8)
    seen, nodes = subject.seen(gather(array)), nodes_of(subject.plan)
    told: dict[tuple[int, int], np.ndarray] = {}
    walk(subject, seen, nodes, lambda n, place, values: told.update({(n, place): values}))
    outputs, passed = subject.traced(seen.inputs, [one.number for one in nodes[1:]])
    sizes = activity(subject, seen, nodes)
    for place, node in enumerate(nodes[1:], 1):
        wanted = passed[node.number].outputs.numpy()
        for picture in range(3):
            np.testing.assert_allclose(told[picture, place], wanted[picture], atol=1e-5)
        means = np.abs(wanted).reshape(3, node.shape[0], -1).mean(axis=(0, 2))
        np.testing.assert_allclose(sizes[place], means, atol=1e-5)
    np.testing.assert_allclose(told[2, len(nodes) - 1], outputs[2].numpy(), atol=1e-5)
