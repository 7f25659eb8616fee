"""What a network says of a part of the data, and how good that is; sums over the whole part, never means of batches."""

from typing import Any

import torch
from torch import Tensor, nn

from specc.pieces import runtime as rt


def sanity(work: rt.Work, batch: rt.Batch) -> bool:
    """Whether the first loss is what chance gives, and one batch can be learned by heart."""
    losses, stage = [], work.stages[0]
    stage.enter(True)
    for step in range(200):
        rt.reseed(*batch.key, step)
        time = rt.Time(step, -(-400 // stage.epochs), stage.epochs)  # as if they were the first half of the training
        losses.append(sum(float(rt.total(loss.detach())) for loss in stage.step(batch._replace(time=time)).values()))
    near = not abs(losses[0] - work.chance) > max(0.5 * work.chance, 0.2)  # a task without a known chance passes
    learned = losses[-1] - work.least < 0.2 * max(losses[0] - work.least, 0.05) or work.chance != work.chance
    rt.event("sanity", first_loss=losses[0], expected=work.chance, last_loss=losses[-1], passed=near and learned)
    return near and learned


@torch.no_grad()
def outputs_of(net: nn.Module, images: Any, part: str, device: torch.device, width: int) -> Tensor:
    """(N, width) outputs for the images of a part, the same on every rank."""
    net.eval()
    rt.share_buffers(net)
    places = torch.arange(images.parts[part].start, images.parts[part].stop)
    outputs = torch.zeros(len(places), width, device=device)
    for ids in places.split(256)[rt.RANK :: rt.RANKS]:
        outputs[ids.to(device) - images.parts[part].start] = net(images.pick(ids.to(device)))
    return rt.total(outputs)


def auc(scores: Tensor, positive: Tensor) -> float:
    """P(score of a positive > of a negative) + half of ties (Hanley and McNeil 1982); 0.5 where one side is empty."""
    better, worse = scores[positive].double(), scores[~positive].double().sort().values
    if not len(better) or not len(worse):
        return 0.5
    below = torch.searchsorted(worse, better) + torch.searchsorted(worse, better, right=True)
    return (below.double().mean() / (2 * len(worse))).item()


def balanced_accuracy(answers: Tensor, labels: Tensor) -> float:
    """Mean over the classes that occur of the share answered right."""
    shares = [(answers[labels == label] == label).double().mean() for label in labels.unique()]
    return torch.stack(shares).mean().item()


def output_spread(outputs: Tensor) -> float:
    """How much the outputs (N, width) differ between images: the largest deviation of a column; 0 where all agree."""
    return outputs.double().std(0, correction=0).max().item()


def two_class_scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracy, balanced accuracy and area under the ROC curve; logits (N, 1), labels (N,) with 1 the positive."""
    answers = (logits[:, 0] > 0).long()
    accuracy = (answers == labels).double().mean().item()
    area, balanced = auc(logits[:, 0], labels == 1), balanced_accuracy(answers, labels)
    return {"accuracy": accuracy, "balanced_accuracy": balanced, "auc": area, "output_spread": output_spread(logits)}


def class_scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracy, balanced accuracy and mean area under the ROC curves of one class against the rest; logits (N, K)."""
    answers, probabilities = logits.argmax(1), logits.double().softmax(1)
    accuracy = (answers == labels).double().mean().item()
    areas = [auc(probabilities[:, label], labels == label) for label in labels.unique().tolist()]
    balanced, area = balanced_accuracy(answers, labels), sum(areas) / len(areas)
    return {"accuracy": accuracy, "balanced_accuracy": balanced, "auc": area, "output_spread": output_spread(logits)}


def finding_scores(logits: Tensor, targets: Tensor) -> dict[str, float]:
    """Means of `two_class_scores` over the findings that are there in some images and not in others; 0.5 without any.

    Logits (N, L); targets (N, L) of 1, 0 and -100 for blank, which does not count.
    """
    each = []
    for column, truth in zip(logits.T, targets.T, strict=True):
        known = truth >= 0
        if len(truth[known].unique()) == 2:
            each.append(two_class_scores(column[known, None], truth[known]))
    names = ("accuracy", "balanced_accuracy", "auc")
    means = {name: sum(scores[name] for scores in each) / len(each) if each else 0.5 for name in names}
    return {**means, "output_spread": output_spread(logits)}


def value_scores(values: Tensor, targets: Tensor) -> dict[str, float]:
    """Mean absolute error, root mean squared error, R2 (mean over the targets; 0 for constant targets)."""
    errors, truth = (values - targets).double(), targets.double()
    spread = (truth - truth.mean(0)).square().sum(0)
    r2 = torch.where((truth != truth[:1]).any(0), 1 - errors.square().sum(0) / spread, 0.0).mean().item()
    mae, rmse = errors.abs().mean().item(), errors.square().mean().sqrt().item()
    return {"mae": mae, "rmse": rmse, "r2": r2, "output_spread": output_spread(values)}
