"""What the reader learns by: masked pieces, the right one of some documents, a teacher's judgement, and the labels of the town."""

from __future__ import annotations

import torch
from torch.nn import functional

from rag.models.reader_network import Reader, judge_sentences, score_passages, separate_sentences
from rag.models.reader_town import RIGHT, UNKNOWN
from rag.retrieval.reader_input import END, MASK, PIECES

_EXCLUDED = -1e4  # the score of a passage that is no choice


def guessing_loss(reader: Reader, ids: torch.Tensor, segments: torch.Tensor, *, masked: float) -> torch.Tensor:
    """Return the cross entropy of the pieces that were chosen; of ten, eight are masked, one is another piece, one is as it was."""
    chosen = (ids < PIECES) & (torch.rand(ids.shape, device=ids.device) < masked)
    how = torch.rand(ids.shape, device=ids.device)
    shown = ids.masked_fill(chosen & (how < 0.8), MASK)
    shown = torch.where(chosen & (how > 0.9), torch.randint_like(ids, 1, PIECES), shown)
    places = chosen.flatten().nonzero()[:, 0]
    return functional.cross_entropy(reader.guess(shown, segments, places).float(), ids.flatten()[places])


def answering_loss(
    reader: Reader, ids: torch.Tensor, segments: torch.Tensor, *, choices: int, teacher: Reader | None
) -> torch.Tensor:
    """Return the loss of choosing the first of each question's documents, and of judging each of them alone (`choosing_loss`)."""
    scores = score_passages(reader, ids, segments).view(-1, choices)
    if teacher is None:
        return choosing_loss(scores, None, judging=0.7)
    with torch.no_grad():
        said = score_passages(teacher, ids, segments).view(-1, choices)
    return choosing_loss(scores, said, judging=0.7)


def general_loss(
    reader: Reader, ids: torch.Tensor, segments: torch.Tensor, *, choices: int, examined: int, teacher: Reader
) -> torch.Tensor:
    """Return the loss of `answering_loss`, and that of the sentences of the first `examined` documents of each question.

    A sentence is as likely to answer as the teacher says that has read nothing else of its document.
    """
    judged = judge_sentences(reader, ids, segments)
    chosen = torch.arange(len(ids), device=ids.device) % choices < examined
    with torch.no_grad():
        said = score_passages(teacher, ids, segments).view(-1, choices)
        told = score_passages(teacher, *separate_sentences(ids[chosen], segments[chosen]))
    of_sentences = functional.binary_cross_entropy_with_logits(
        judged[chosen][ids[chosen] == END], told.sigmoid(), reduction="sum"
    )
    choosing = choosing_loss(judged.logsumexp(dim=1).view(-1, choices), said, judging=0.5)
    return choosing + 0.25 * of_sentences / len(said)


def choosing_loss(scores: torch.Tensor, said: torch.Tensor | None, *, judging: float) -> torch.Tensor:
    """Return the loss of choosing the first of each row, and, weighed by `judging`, of judging each alone; a wrong one counts half.

    said: the scores of a teacher, where there is one: half of what is right is what it says.
    """
    chosen = functional.log_softmax(scores, dim=1)
    right = torch.zeros_like(scores)
    right[:, 0] = 1.0
    weights = 0.5 + 0.5 * right
    choosing = -chosen[:, 0].mean()
    if said is not None:
        told = functional.log_softmax(said, dim=1)
        choosing = (choosing + functional.kl_div(chosen, told, log_target=True, reduction="batchmean")) / 2
        right = (right + said.sigmoid()) / 2
    return choosing + judging * functional.binary_cross_entropy_with_logits(scores, right, weight=weights)


def town_loss(
    reader: Reader,
    ids: torch.Tensor,
    segments: torch.Tensor,
    labels: torch.Tensor,
    of_passages: torch.Tensor,
    *,
    choices: int,
) -> torch.Tensor:
    """Return the loss of choosing a right one of each question's passages, where there is one, and of judging each sentence alone.

    labels: of the places, shape (rows, length), of_passages: of the rows. What is UNKNOWN counts nothing, a wrong sentence .4.
    """
    judged = judge_sentences(reader, ids, segments)
    known = labels != UNKNOWN
    right = labels[known].float()
    of_sentences = functional.binary_cross_entropy_with_logits(
        judged[known], right, weight=0.4 + 0.6 * right, reduction="sum"
    )
    scores, states = judged.logsumexp(dim=1).view(-1, choices), of_passages.view(-1, choices)
    all_known = scores.masked_fill(states == UNKNOWN, _EXCLUDED).logsumexp(dim=1)
    all_right = scores.masked_fill(states != RIGHT, _EXCLUDED).logsumexp(dim=1)
    choosing = (all_known - all_right)[(states == RIGHT).any(dim=1)].sum()
    return (0.5 * of_sentences + choosing) / len(scores)
