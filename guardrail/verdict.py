"""What a check returns: plain, immutable values that never hold the text they judge."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Direction = Literal["prompt", "response"]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Action(StrEnum):
    """What the policy does with a text; in rising severity."""

    ALLOW = "allow"
    """Below every threshold."""
    OBSERVE = "observe"
    """Flagged, recorded in the verdict, passed on unchanged."""
    ANNOTATE = "annotate"
    """Flagged, passed on with the verdict in the reply's `moderation` field."""
    REFUSE = "refuse"
    """Replaced by the policy's written reply."""
    BLOCK = "block"
    """Answered with an error instead of a reply."""

    @property
    def severity(self) -> int:
        """0 (allow) to 4 (block)."""
        return _SEVERITY[self]

    @property
    def stops(self) -> bool:
        """Whether the text is kept from its receiver."""
        return self in (Action.REFUSE, Action.BLOCK)


_SEVERITY: Final = {action: at for at, action in enumerate(Action)}


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scores(_Value):
    """Calibrated scores of one check; `None` where the check had no such text."""

    prompt_risk: Probability | None = None
    """Probability that the prompt asks for something unethical."""
    harmfulness: Annotated[float, Field(ge=1.0, le=5.0)] | None = None
    """Expected judge score of the response, on the paper's scale: 1 declines, 5 fulfils a harmful request."""
    refusal: Probability | None = None
    """Probability that the response declines."""
    principles: dict[int, Probability]
    """Probability of a violation, per principle 1-9: the higher of prompt and response."""
    general: Probability
    """Probability of harm outside medicine (violence, weapons, crime): the higher of prompt and response."""


class Window(_Value):
    """One scored stretch of text, as character offsets into the text that was given."""

    direction: Direction
    start: int
    end: int
    message: int | None = None
    """Index into `messages`, where a conversation was checked."""
    view: str = "text"
    """How it was read: `text`, or the decoding that revealed it (`base64`, `rot13`, ...)."""
    score: float
    """Risk (0-1) for a prompt window, harmfulness (1-5) for a response window."""


class ClassifierInfo(_Value):
    """Which classifier scored."""

    name: str
    version: str
    sha256: str


class Verdict(_Value):
    """The outcome of one check."""

    action: Action
    direction: Direction | None = None
    """The side that caused the action; `None` when allowed."""
    flagged: tuple[int, ...] = ()
    """The principles over their threshold, most probable first."""
    scores: Scores | None
    """`None` when scoring failed and the policy decided without scores (`failure` says why)."""
    windows: tuple[Window, ...] = ()
    """What was scored, in order; the causing ones first in score are not moved."""
    failure: str | None = None
    """The kind of failure (an error class name), never its text."""
    not_scanned: tuple[str, ...] = ()
    """Content the guard could not read (such as `image_url`), as the policy allowed it to pass."""
    classifier: ClassifierInfo
    policy: str
    """Name of the policy that decided."""
    latency_ms: float
    """Time spent in the check."""

    @property
    def allowed(self) -> bool:
        """Whether the text may reach its receiver."""
        return not self.action.stops

    @property
    def reason(self) -> str:
        """One line without any text of the exchange, e.g. `prompt: principles 4, 8`."""
        if self.failure:
            return f"{self.direction}: not scored, {self.failure}"
        if self.not_scanned and not self.flagged and not self.allowed:
            return f"{self.direction}: not scannable, {', '.join(self.not_scanned)}"
        if self.action is Action.ALLOW:
            return "allowed"
        which = f"principles {', '.join(map(str, self.flagged))}" if self.flagged else "general harm"
        return f"{self.direction}: {which}"
