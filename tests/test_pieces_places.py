"""Changes of place: against scipy and loops, exact where a pixel lands on a pixel; masks, boxes, paired images too."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from specc.pieces import augment_fields
from specc.pieces.augment import normal
from specc.pieces.augment_fields import Boxes, came_from, moved_boxes, moved_images, moved_masks
from specc.pieces.augment_places import (
    bilinear,
    elastic,
    flip,
    middles,
    nearest,
    random_crop,
    rotate,
    rotate90,
    shear,
    shift,
    zoom,
)

SHAPES = [(1, 9, 9), (3, 8, 13), (1, 30, 7)]
KEY = (42, 0, 0)
Change = Callable[..., Tensor]


def pictures(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(7))


def moved(images: Tensor, change: Change, u: list[float], **given: Any) -> Tensor:
    """A batch after one change; all samples have the same `u`."""
    size = (images.shape[2], images.shape[3])
    numbers = torch.tensor([u] * len(images)).view(len(images), len(u))
    return bilinear(images, change(middles(images, size), numbers, size, **given), size)


def by_scipy(image: Tensor, matrix: Any, offset: Any = (0, 0)) -> Tensor:
    """The image read at centre + matrix (place - centre) + offset, in float64; `image` is (C, H, W)."""
    centre = (np.array(image.shape[1:]) - 1) / 2
    start = centre - np.array(matrix) @ centre + np.array(offset)
    framed = [np.pad(channel, 1) for channel in image.double().numpy()]  # scipy has no black between edge and outside
    start += 1 - np.array(matrix) @ np.ones(2)
    turned = [ndimage.affine_transform(channel, matrix, start, order=1)[1:-1, 1:-1] for channel in framed]
    return torch.from_numpy(np.stack(turned)).float()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("u", [0.0, 0.2, 0.5, 0.9, 1 - 2**-24])
def test_geometry_against_scipy(shape: tuple[int, ...], u: float) -> None:
    image = pictures(*shape)

    def close(change: Change, numbers: list[float], matrix: Any, offset: Any = (0, 0), **given: Any) -> None:
        result, expected = moved(image[None], change, numbers, **given)[0], by_scipy(image, matrix, offset)
        torch.testing.assert_close(result, expected, rtol=0, atol=2e-5)

    angle = np.deg2rad((2 * u - 1) * 50)
    turn = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    close(rotate, [u], turn, degrees=50)
    close(zoom, [u], np.eye(2) / (0.6 + u * 0.9), low=0.6, high=1.5)
    down, right = (2 * u - 1) * 0.4 * shape[1], (1 - 2 * u) * 0.4 * shape[2]
    close(shift, [u, 1 - u], np.eye(2), (-down, -right), fraction=0.4)
    slope = np.tan(np.deg2rad((2 * u - 1) * 30))
    close(shear, [u], [[1, 0], [slope, 1]], degrees=30, axis="horizontal")
    close(shear, [u], [[1, slope], [0, 1]], degrees=30, axis="vertical")
    part, wider = 0.3 + 0.5 * u, math.exp(math.log(0.8) + u * (math.log(1.25) - math.log(0.8)))
    wide, high = math.sqrt(part * wider), math.sqrt(part / wider)
    x, y = (0.2 - 0.5) * (1 - wide) * shape[2], (0.9 - 0.5) * (1 - high) * shape[1]
    numbers = [u, u, 0.2, 0.9, 0.5, 0.5]
    close(random_crop, numbers, [[high, 0], [0, wide]], (y, x), pad=0, area=(0.3, 0.8), aspect=(0.8, 1.25))


def test_rotation_is_counter_clockwise() -> None:
    image, wanted = torch.arange(1.0, 10).view(1, 1, 3, 3), torch.tensor([[3.0, 6, 9], [2, 5, 8], [1, 4, 7]])
    torch.testing.assert_close(moved(image, rotate, [1.0], degrees=90)[0, 0], wanted, rtol=0, atol=1e-5)
    assert torch.equal(moved(image, rotate90, [0.25])[0, 0], wanted)
    for size in (8, 9, 33):
        image = pictures(2, 3, size, size)
        for u, quarters in ((0.0, -2), (0.25, -1), (0.75, 1), (1.0, 2)):
            turned = moved(image, rotate, [u], degrees=180)
            torch.testing.assert_close(turned, torch.rot90(image, quarters, (2, 3)), rtol=0, atol=5e-5)


def test_whole_pixels_move_to_the_bit() -> None:
    """Quarter turns, mirror images and moves by whole pixels are copies; so is no change at all."""
    for size in (8, 9, 33, 224):
        image = pictures(2, 3, size, size)
        for quarter in range(4):
            assert torch.equal(moved(image, rotate90, [quarter / 4 + 0.1]), torch.rot90(image, quarter, (2, 3)))
    image = pictures(2, 3, 37, 53)
    assert torch.equal(moved(image, flip, [], axis="horizontal"), image.flip(3))
    assert torch.equal(moved(image, flip, [], axis="vertical"), image.flip(2))
    assert torch.equal(moved(image, rotate, [0.5], degrees=30), image)
    assert torch.equal(moved(image, zoom, [0.5], low=1.0, high=1.0), image)
    assert torch.equal(moved(image, shift, [0.5, 0.5], fraction=0.3), image)
    assert torch.equal(moved(image, shear, [0.5], degrees=30, axis="horizontal"), image)
    whole = {"area": (1.0, 1.0), "aspect": (1.0, 1.0)}
    assert torch.equal(moved(image, random_crop, [0.9, 0.1, 0.7, 0.2, 0.5, 0.5], pad=4, **whole), image)
    frame = torch.nn.functional.pad(image, (4, 4, 4, 4))
    for place in range(9):
        cut = moved(image, random_crop, [0.3, 0.6, 0.1, 0.9, (place + 0.5) / 9, (8.5 - place) / 9], pad=4, **whole)
        assert torch.equal(cut, frame[:, :, 8 - place : 45 - place, place : place + 53])


def test_a_turned_wide_image_does_not_shear() -> None:
    image = torch.zeros(1, 1, 11, 31)
    image[..., 5, 12:19] = 1  # a line of seven pixels through the centre
    expected = torch.zeros(1, 1, 11, 31)
    expected[..., 2:9, 15] = 1
    torch.testing.assert_close(moved(image, rotate, [1.0], degrees=90), expected, rtol=0, atol=1e-5)
    assert torch.equal(moved(image, rotate90, [0.3]), expected)


def test_zoom_above_one_enlarges() -> None:
    image = torch.zeros(1, 1, 9, 15)
    image[..., 3:6, 6:9] = 1
    area = image.sum().item()
    assert moved(image, zoom, [0.5], low=2.0, high=2.0).sum().item() == pytest.approx(4 * area, rel=0.01)
    assert moved(image, zoom, [0.5], low=1.1, high=1.1).sum().item() > area
    small = moved(torch.ones(1, 1, 9, 15), zoom, [0.5], low=0.5, high=0.5)
    assert small[..., 0, :].abs().max() == 0
    assert small[..., 4, 7] == 1


def test_shift_goes_down_then_right_and_leaves_black() -> None:
    image = torch.arange(1.0, 17).view(1, 1, 4, 4)
    down = moved(image, shift, [1.0, 0.5], fraction=0.25)[0, 0]
    expected = torch.tensor([[0.0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])
    torch.testing.assert_close(down, expected, rtol=0, atol=1e-5)
    left = moved(image, shift, [0.5, 0.0], fraction=0.25)[0, 0]
    expected = torch.tensor([[2.0, 3, 4, 0], [6, 7, 8, 0], [10, 11, 12, 0], [14, 15, 16, 0]])
    torch.testing.assert_close(left, expected, rtol=0, atol=1e-5)


def smooth(size: int) -> Tensor:
    """Waves between 0 and 1, no wave shorter than eight pixels."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return (0.5 + 0.25 * (x * 0.5).sin() + 0.25 * (y * 0.3 + x * 0.2).cos())[None, None]


@pytest.mark.parametrize("degrees", [7.0, 10.0, 33.0])
def test_there_and_back_is_close_to_where_it_was(degrees: float) -> None:
    """Each turn by itself blurs a little; composed they are read once and give the image back."""
    image, size = smooth(64), (64, 64)
    both = moved(moved(image, rotate, [1.0], degrees=degrees), rotate, [0.0], degrees=degrees)
    inside = (..., slice(16, 48), slice(16, 48))
    error = (both - image)[inside].square().mean().item()
    assert 10 * math.log10(1 / error) > 30
    points = rotate(middles(image, size), torch.zeros(1, 1), size, degrees)
    once = bilinear(image, rotate(points, torch.ones(1, 1), size, degrees), size)
    assert 10 * math.log10(1 / (once - image)[inside].square().mean().item()) > 80


def cubic(distance: float) -> float:
    """The kernel of cubic convolution with a = -0.75 (Keys 1981)."""
    d, a = abs(distance), -0.75
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


@pytest.mark.parametrize(("height", "width", "grid"), [(20, 20, (3, 3)), (15, 22, (4, 2))])
def test_elastic_against_a_loop(height: int, width: int, grid: tuple[int, int]) -> None:
    """Displacements of the nodes, bicubic between them, the outermost going on outside; then scipy reads the image."""
    image, u = pictures(1, 1, height, width), pictures(1, 2 * grid[0] * grid[1])
    nodes = 1.5 * normal(u).view(2, *grid).double().numpy()
    places = np.zeros((2, height, width))
    for row, column in np.ndindex(height, width):
        down, right = row * (grid[0] - 1) / (height - 1), column * (grid[1] - 1) / (width - 1)
        for i in range(math.floor(down) - 1, math.floor(down) + 3):
            for j in range(math.floor(right) - 1, math.floor(right) + 3):
                node = nodes[:, min(max(i, 0), grid[0] - 1), min(max(j, 0), grid[1] - 1)]
                places[:, row, column] += node * cubic(down - i) * cubic(right - j)
    dx, dy = places
    rows, columns = np.mgrid[:height, :width] + 1.0
    framed = np.pad(image[0, 0].double().numpy(), 1)
    expected = ndimage.map_coordinates(framed, [rows + dy, columns + dx], order=1)
    changed = moved(image, elastic, u[0].tolist(), sd=1.5, grid=grid)[0, 0]
    torch.testing.assert_close(changed, torch.from_numpy(expected).float(), rtol=0, atol=2e-5)


def test_elastic_displaces_by_what_it_says() -> None:
    points = torch.tensor([[[-15.5, -15.5], [0.0, 0.0], [15.5, 15.5]]]).expand(4000, -1, -1)  # three nodes of 3x3
    u = torch.rand(4000, 18, generator=torch.Generator().manual_seed(1))
    away = elastic(points, u, (32, 32), 10.0, (3, 3)) - points
    assert away.std((0,)).flatten().tolist() == pytest.approx([10.0] * 6, rel=0.05)
    assert away.mean((0,)).abs().max() < 0.8


# ------------------------------------------------------------------ masks, boxes, paired images


@pytest.fixture
def canvas(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int, Change], None]:
    """Binds the slots of augment_fields: a canvas and where its points look."""

    def bind(height: int, width: int, look: Change) -> None:
        monkeypatch.setattr(augment_fields, "HEIGHT", height)
        monkeypatch.setattr(augment_fields, "WIDTH", width)
        monkeypatch.setattr(augment_fields, "look", look)

    return bind


Canvas = Callable[[int, int, Change], None]


def looking(change: Change, u: list[float], size: tuple[int, int], **given: Any) -> Change:
    """A program's `look` with one change, the same for every sample."""
    return lambda points, ids, key: change(points, torch.tensor([u]).expand(len(ids), -1), size, **given)


def boxed(*boxes: tuple[float, float, float, float]) -> Boxes:
    """The boxes of one image."""
    return Boxes(torch.tensor(boxes).view(-1, 4), torch.tensor([0, len(boxes)]), torch.arange(len(boxes)))


def test_masks_have_no_new_values(canvas: Canvas) -> None:
    size = (24, 31)
    masks = (pictures(3, 1, *size) * 4).long() * 60
    for change, u, given in (
        (rotate, [0.9], {"degrees": 40}),
        (zoom, [0.3], {"low": 0.5, "high": 1.2}),
        (elastic, pictures(18).tolist(), {"sd": 3.0, "grid": (3, 3)}),
    ):
        canvas(*size, looking(change, u, size, **given))
        changed = moved_masks(masks, torch.arange(3), KEY, 254)
        assert changed.dtype == torch.int64
        assert set(changed.unique().tolist()) == {0, 60, 120, 180, 254}, change.__name__


def test_masks_against_a_loop(canvas: Canvas) -> None:
    """The nearest pixel's value, and the ignore value outside."""
    height, width, angle = 13, 18, math.radians(20)
    masks = (pictures(1, 1, height, width) * 9).long()
    canvas(height, width, looking(rotate, [1.0], (height, width), degrees=20.0))
    changed = moved_masks(masks.to(torch.uint8), torch.arange(1), KEY, 255)[0, 0]
    for row, column in np.ndindex(height, width):
        y, x = row - (height - 1) / 2, column - (width - 1) / 2
        from_row = math.cos(angle) * y + math.sin(angle) * x + (height - 1) / 2
        from_column = math.cos(angle) * x - math.sin(angle) * y + (width - 1) / 2
        i, j = round(from_row), round(from_column)
        inside = 0 <= i < height and 0 <= j < width
        assert changed[row, column].item() == (masks[0, 0, i, j].item() if inside else 255)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_paired_images_of_another_resolution_move_alike(canvas: Canvas, scale: int) -> None:
    """What moves by whole pixels moves by as many of the finer pixels; what is outside is the black that is given."""
    small, size = pictures(2, 1, 8, 12), (8, 12)
    large = small.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    canvas(*size, looking(shift, [1.0, 0.0], size, fraction=0.25))
    changed = moved_images(large, torch.arange(2), KEY, -1.0)
    expected = torch.full_like(large, -1.0)
    expected[:, :, 2 * scale :, : 9 * scale] = large[:, :, : 6 * scale, 3 * scale :]
    torch.testing.assert_close(changed, expected, rtol=0, atol=1e-6)
    canvas(*size, looking(flip, [], size, axis="horizontal"))
    torch.testing.assert_close(moved_images(large, torch.arange(2), KEY, 0.0), large.flip(3), rtol=0, atol=1e-5)


def test_boxes_by_the_card(canvas: Canvas) -> None:
    size = (10, 10)
    box = boxed((1, 2, 4, 6))
    for change, u, given, wanted in (
        (rotate90, [0.3], {}, (2, 6, 6, 9)),
        (rotate, [1.0], {"degrees": 90}, (2, 6, 6, 9)),
        (flip, [], {"axis": "horizontal"}, (6, 2, 9, 6)),
        (zoom, [0.5], {"low": 2.0, "high": 2.0}, (0, 0, 3, 7)),  # (-3, -1, 3, 7), cut to the canvas
        (rotate, [0.5], {"degrees": 90}, (1, 2, 4, 6)),
    ):
        canvas(*size, looking(change, u, size, **given))
        found = moved_boxes(box, torch.arange(1), KEY, 0.25)
        assert found.values.tolist() == [pytest.approx(wanted, abs=1e-4)]
        assert found.offsets.tolist() == [0, 1] and found.places.tolist() == [0]
    assert zoomed_far(box, canvas).tolist() == [pytest.approx((-3, -1), abs=1e-4), pytest.approx((3, 7), abs=1e-4)]


def zoomed_far(box: Boxes, canvas: Canvas) -> Tensor:
    """The corners of a box, enlarged twice, before it is cut."""
    canvas(10, 10, looking(zoom, [0.5], (10, 10), low=2.0, high=2.0))
    return came_from(box.values.view(1, 2, 2) - 5, torch.arange(1), KEY)[0] + 5


def test_boxes_are_dropped_where_little_is_seen(canvas: Canvas) -> None:
    """Three images: the first keeps one of two, the second has none, the third loses its only one."""
    values = torch.tensor([[0.0, 2, 4, 6], [6, 2, 9, 6], [0, 0, 2, 2]])
    boxes = Boxes(values, torch.tensor([0, 2, 2, 3]), torch.tensor([0, 1, 2]))
    canvas(10, 10, looking(shift, [0.5, 0.0], (10, 10), fraction=0.3))  # three to the left: a quarter, all, nothing
    found = moved_boxes(boxes, torch.arange(3), KEY, 0.2)
    assert found.values.tolist() == [pytest.approx((3, 2, 6, 6), abs=1e-4)]  # the first one's middle is outside
    assert (found.offsets.tolist(), found.places.tolist()) == ([0, 1, 1, 1], [1])
    canvas(10, 10, looking(shift, [0.5, 0.0], (10, 10), fraction=0.15))  # by 1.5: 62 % of the first are seen
    assert moved_boxes(boxes, torch.arange(3), KEY, 0.6).places.tolist() == [0, 1]
    assert moved_boxes(boxes, torch.arange(3), KEY, 0.7).places.tolist() == [1]
    canvas(10, 10, looking(elastic, [0.5] * 18, (10, 10), sd=1.0, grid=(3, 3)))
    none = Boxes(torch.zeros(0, 4), torch.tensor([0, 0]), torch.zeros(0, dtype=torch.int64))
    assert moved_boxes(none, torch.arange(1), KEY, 0.5).offsets.tolist() == [0, 0]
    canvas(10, 10, looking(flip, [], (10, 10), axis="vertical"))
    flat = moved_boxes(boxed((2, 2, 2, 5)), torch.arange(1), KEY, 0.0)
    assert len(flat.values) == 0  # no box without an area


def test_boxes_fit_what_they_are_around(canvas: Canvas) -> None:
    """Rectangles are drawn, moved as masks, and measured; the moved boxes are theirs, to a pixel (bent: to two)."""
    size, dice = (64, 80), np.random.default_rng(3)
    u18 = torch.rand(18, generator=torch.Generator().manual_seed(2)).tolist()
    for change, u, given, slack in (
        (rotate90, [0.6], {}, 1.0),
        (zoom, [0.2], {"low": 0.6, "high": 1.4}, 1.0),
        (shear, [0.8], {"degrees": 25, "axis": "horizontal"}, 1.6),
        (rotate, [0.9], {"degrees": 40}, 1.6),
        (random_crop, pictures(6).tolist(), {"pad": 3, "area": (0.5, 0.9), "aspect": (0.8, 1.2)}, 1.0),
        (elastic, u18, {"sd": 3.0, "grid": (3, 3)}, 2.0),
    ):
        canvas(*size, looking(change, u, size, **given))
        for _ in range(8):
            x, y = int(dice.integers(16, 50)), int(dice.integers(16, 40))
            wide, high = dice.integers(4, 14, 2).tolist()
            mask = torch.zeros(1, 1, *size)
            mask[..., y : y + high, x : x + wide] = 1
            found = moved_boxes(boxed((x, y, x + wide, y + high)), torch.arange(1), KEY, 0.99)
            rows, columns = moved_masks(mask, torch.arange(1), KEY, 0)[0, 0].nonzero().unbind(1)
            if len(found.values):
                seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                assert found.values[0].tolist() == pytest.approx([float(v) for v in seen], abs=slack), change.__name__


def test_points_come_back(canvas: Canvas) -> None:
    """`came_from` turns every change round, bent ones too."""
    size = (40, 50)
    points = (torch.rand(6, 9, 2, generator=torch.Generator().manual_seed(4)) - 0.5) * 40
    numbers = torch.rand(6, 18, generator=torch.Generator().manual_seed(5))

    def look(points: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
        points = elastic(points, numbers[ids], size, 2.0, (3, 3))
        points = rotate(points, numbers[ids, :1], size, 60)
        return shear(points, numbers[ids, 1:2], size, 20, "vertical")

    canvas(*size, look)
    ids = torch.arange(6)
    torch.testing.assert_close(look(came_from(points, ids, KEY), ids, KEY), points, rtol=0, atol=1e-3)


def test_reading_at_places_outside() -> None:
    image = torch.ones(1, 1, 2, 2)
    far = torch.tensor([[[-99.0, 0.0], [0.0, 99.0], [1.0, 0.5], [0.5, 0.5]]])  # the third: half outside
    assert bilinear(image, far, (2, 2)).flatten().tolist() == pytest.approx([0, 0, 0.5, 1])
    assert nearest(image, far, (2, 2), 7).flatten()[[0, 1, 3]].tolist() == [7, 7, 1]
