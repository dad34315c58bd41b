"""Which messages of a request must be scored, and which were refused before and must not reach the model.

A conversation is a row of groups: messages of users and tools up to the next answer of the model. The last
group is what is asked now. Its last message is always scored; of the others those not decided before.
A group of several messages is also scored as one text, so that a request can't be split over turns.

A message that was refused before stays in the history that clients send again. It does not block what
follows, but neither does it reach the model: its content is withheld.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from guardrail.exchange.memory import Memory
from guardrail.wire.format import Turn

SEPARATOR = "\n\n"
NOTICE = "[This message was withheld by the medical-safety policy.]"
"""What the model sees in place of a message that was refused before."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One text to score, and where it comes from."""

    text: str = field(repr=False)
    message: int | None
    """Index of the message; `None` for joined messages and for text outside the messages."""
    digest: bytes


@dataclass(slots=True)
class Plan:
    """What to score, what to withhold, and the context in which the answer is to be judged."""

    probes: list[Probe] = field(default_factory=list[Probe])
    withheld: set[int] = field(default_factory=set[int])
    context: str | None = field(default=None, repr=False)


def plan(turns: Sequence[Turn], extra: Iterable[str], memory: Memory, written_reply: str) -> Plan:
    """Decide what is new in a conversation. `written_reply` is the policy's reply to a refused prompt:
    the group it follows was refused, even if by a guard of another process."""
    result = Plan()
    groups = _groups(turns)
    for group, answer in groups[:-1]:
        _history(
            group, memory, result, refused=answer is not None and answer.strip() == written_reply.strip()
        )
    if groups:
        _current(groups[-1][0], memory, result)
    for text in extra:
        digest = memory.digest([text])
        if memory.refused(digest) is not False:
            result.probes.append(Probe(text, None, digest))
    result.context = _context(turns, result.withheld)
    return result


def _groups(turns: Sequence[Turn]) -> list[tuple[list[Turn], str | None]]:
    """(messages, the answer that follows) with empty groups left out."""
    groups: list[tuple[list[Turn], str | None]] = []
    group: list[Turn] = []
    for turn in turns:
        if turn.kind == "model":
            if group:
                groups.append((group, turn.text))
                group = []
        elif turn.kind != "setup" and turn.text:
            group.append(turn)
    if group:
        groups.append((group, None))
    return groups


def _history(group: list[Turn], memory: Memory, result: Plan, *, refused: bool) -> None:
    """A group that was answered before: score what was never decided, withhold what was refused."""
    kept: list[Turn] = []
    for turn in group:
        digest = memory.digest([turn.text])
        known = memory.refused(digest)
        if known or (refused and known is None):
            result.withheld.add(turn.index)
            continue
        kept.append(turn)
        if known is None:
            result.probes.append(Probe(turn.text, turn.index, digest))
    if len(kept) > 1:
        texts = [turn.text for turn in kept]
        digest = memory.digest(texts)
        known = memory.refused(digest)
        if known:
            result.withheld.update(turn.index for turn in kept)
        elif known is None:
            result.probes.append(Probe(SEPARATOR.join(texts), None, digest))


def _current(group: list[Turn], memory: Memory, result: Plan) -> None:
    """The group that is asked now."""
    kept: list[Turn] = []
    *before, last = group
    for turn in before:
        digest = memory.digest([turn.text])
        known = memory.refused(digest)
        if known:
            result.withheld.add(turn.index)
            continue
        kept.append(turn)
        if known is None:
            result.probes.append(Probe(turn.text, turn.index, digest))
    together = memory.digests([turn.text for turn in kept])
    for size in range(len(kept), 1, -1):
        # Turns that were refused together, and that a client has kept and only added to.
        if memory.refused(together[size - 1]):
            result.withheld.update(turn.index for turn in kept[:size])
            kept = kept[size:]
            break
    result.probes.append(Probe(last.text, last.index, memory.digest([last.text])))
    if kept:
        texts = [*(turn.text for turn in kept), last.text]
        result.probes.append(Probe(SEPARATOR.join(texts), None, memory.digest(texts)))


def _context(turns: Sequence[Turn], withheld: set[int]) -> str | None:
    """The last user's words and what tools said since: what an answer answers."""
    said: list[str] = []
    asked = False
    for turn in reversed(turns):
        if asked and turn.kind != "user":
            break
        if turn.kind in ("user", "tool") and turn.text and turn.index not in withheld:
            said.append(turn.text)
            asked = turn.kind == "user"
    return SEPARATOR.join(reversed(said)) or None
