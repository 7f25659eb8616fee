"""Random numbers of programs follow from a key and a sample's id, never from what was drawn before."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from specc.pieces import images
from specc.pieces import runtime as rt

KEY = (42, 0, 3)


def test_numbers_follow_from_key_and_id() -> None:
    ids = torch.arange(1000)
    whole = rt.uniform(KEY, ids, 4)
    assert whole.shape == (1000, 4) and whole.dtype == torch.float32
    assert whole.min() >= 0 and whole.max() < 1
    torch.rand(7)
    order = torch.randperm(1000)
    assert torch.equal(rt.uniform(KEY, order, 4), whole[order])  # not from place or history
    assert torch.equal(rt.uniform(KEY, ids[1::2], 4), whole[1::2])  # nor from the share of a rank
    assert torch.equal(rt.uniform(KEY, ids, 2), whole[:, :2])  # nor from how many are drawn
    assert torch.equal(rt.uniform(KEY, ids[13:14], 4)[0], whole[13])


@pytest.mark.parametrize(
    "other", [(43, 0, 3), (42, 1, 3), (42, 0, 4), (42, 3, 0), (42, 0), (42, 0, 3, 0), (42, 0, 3, 1)]
)
def test_every_part_of_the_key_counts(other: tuple[int, ...]) -> None:
    ids = torch.arange(4000)
    one, two = rt.uniform(KEY, ids, 1)[:, 0], rt.uniform(other, ids, 1)[:, 0]
    assert not (one == two).float().mean() > 0.01
    assert abs(np.corrcoef(one.numpy(), two.numpy())[0, 1]) < 5 / math.sqrt(4000)


def chi_square(values: np.ndarray, cells: int) -> float:
    """How many deviations the chi-square statistic of equal cells lies from its mean."""
    counts = np.bincount(values.ravel(), minlength=cells)
    expected = values.size / cells
    return float((((counts - expected) ** 2 / expected).sum() - (cells - 1)) / math.sqrt(2 * (cells - 1)))


@pytest.mark.parametrize("draw", range(5))
def test_numbers_are_uniform(draw: int) -> None:
    """In 256 cells over ids, in pairs of neighbours, and in the lowest of the 24 bits."""
    over_ids = rt.uniform(KEY, torch.arange(100_000), 5)[:, draw].numpy()
    assert abs(chi_square((over_ids * 256).astype(int), 256)) < 5
    assert abs(chi_square((over_ids * 2**24).astype(int) % 256, 256)) < 5
    pairs = (over_ids[:-1] * 16).astype(int) * 16 + (over_ids[1:] * 16).astype(int)
    assert abs(chi_square(pairs, 256)) < 5


def test_numbers_of_one_sample_are_uniform_over_epochs() -> None:
    values = torch.stack([rt.uniform((42, 0, epoch), torch.tensor([7]), 3)[0] for epoch in range(3000)]).numpy()
    assert all(abs(chi_square((values[:, draw] * 32).astype(int), 32)) < 5 for draw in range(3))


def test_draws_of_a_sample_are_independent() -> None:
    correlation = np.corrcoef(rt.uniform(KEY, torch.arange(50_000), 6).numpy().T)
    assert abs(correlation - np.eye(6)).max() < 5 / math.sqrt(50_000)


def test_mix_is_one_to_one_and_takes_every_bit() -> None:
    """Against splitmix64 in whole numbers of any size; each bit that goes in changes about half of what comes out."""

    def plain(x: int) -> int:
        mask = 2**64 - 1
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return x ^ (x >> 31)

    values = [
        0,
        1,
        2**63,
        2**64 - 1,
        0x9E3779B97F4A7C15,
        *(int(v) for v in np.random.default_rng(0).integers(0, 2**63, 50)),
    ]
    signed = torch.tensor([value - 2**64 if value >= 2**63 else value for value in values])
    assert [value % 2**64 for value in rt.mix(signed).tolist()] == [plain(value) for value in values]
    flips = [(plain(values[9]) ^ plain(values[9] ^ (1 << bit))).bit_count() for bit in range(64)]
    assert min(flips) >= 16 and max(flips) <= 48


def test_the_order_of_an_epoch() -> None:
    orders = [images.shuffled((42, 0, epoch), 500) for epoch in range(40)]
    assert all(torch.equal(order.sort().values, torch.arange(500)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 40
    assert torch.equal(images.shuffled((42, 0, 7), 500), orders[7])
    first = np.array([order.tolist() for order in orders]).mean(0)  # each sample stands in the middle, on average
    assert abs(first - 249.5).max() < 5 * 500 / math.sqrt(12 * 40)


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize(("samples", "size"), [(40, 8), (41, 8), (43, 7), (5, 8)])
def test_ranks_share_the_steps(monkeypatch: pytest.MonkeyPatch, samples: int, size: int, ranks: int) -> None:
    """Together the ranks see what one would: the same images in the same step, weights of sum 1, copies of none."""
    monkeypatch.setattr(images, "shuffle", images.shuffled)
    monkeypatch.setattr(images, "steps", images.all_steps)
    cpu = torch.device("cpu")
    whole = list(images.batches(KEY, 3, samples, size, 0, cpu))
    assert sorted(torch.cat([batch.ids for batch in whole]).tolist()) == list(range(samples))
    shares = []
    for rank in range(ranks):
        monkeypatch.setattr(rt, "RANK", rank)
        monkeypatch.setattr(rt, "RANKS", ranks)
        shares.append(list(images.batches(KEY, 3, samples, size, 0, cpu)))
        assert [b.ids.tolist() for b in images.batches(KEY, 3, samples, size, 2, cpu)] == [
            b.ids.tolist() for b in shares[-1][2:]
        ]  # a resume in mid-epoch
    for step, batch in enumerate(whole):
        ids, weights = (torch.cat([getattr(share[step], name) for share in shares]) for name in ("ids", "weights"))
        assert sorted(ids[weights > 0].tolist()) == sorted(batch.ids.tolist())
        counts = [len(share[step].ids) for share in shares]
        assert max(counts) - min(counts) <= 1 and min(counts) >= 1 and share_sizes(shares, step) == {batch.size}
        assert weights.sum().item() == pytest.approx(1, abs=1e-6)
        assert weights[weights > 0].unique().numel() == 1


def share_sizes(shares: list[list[rt.Batch]], step: int) -> set[int]:
    """What the ranks say of how many images the step has."""
    return {share[step].size for share in shares}


def test_dropout_follows_from_the_key() -> None:
    def draw(*key: int) -> torch.Tensor:
        rt.reseed(*key)
        return torch.nn.functional.dropout(torch.ones(1000))

    first = draw(42, 0, 3, 5, 0)
    torch.rand(3)
    assert torch.equal(draw(42, 0, 3, 5, 0), first)
    assert not any(torch.equal(draw(*key), first) for key in [(42, 0, 3, 6, 0), (42, 0, 3, 5, 1), (43, 0, 3, 5, 0)])
