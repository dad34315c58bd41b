"""Every error the package raises.

GuardrailError
├── PolicyError          a policy file or value that can't be used
├── BundleError          a classifier bundle that is missing, damaged or foreign
├── InputError           an argument or an input line that can't be scored
├── ScoringError         the classifier failed or ran out of time
├── UpstreamError        the model behind the guard can't be reached or is not understood
├── UnsupportedError     a client, endpoint or content the guard does not understand
└── BlockedError         the policy blocked the exchange (carries the verdict)

No message ever holds text of a prompt or a response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardrail.verdict import Verdict


class GuardrailError(Exception):
    """The root of all errors of this package."""


class PolicyError(GuardrailError):
    """A policy that can't be used; the message names the key and what it may be."""


class BundleError(GuardrailError):
    """A classifier bundle that is missing, damaged (sha256), or of another format."""


class InputError(GuardrailError, ValueError):
    """An argument or an input line that can't be scored."""


class ScoringError(GuardrailError):
    """The classifier failed or exceeded the policy's timeout."""


class UpstreamError(GuardrailError):
    """The model behind the guard can't be reached, or its answer can't be read."""


class UnsupportedError(GuardrailError):
    """A client, an endpoint or a content type that the guard does not understand."""


class BlockedError(GuardrailError):
    """Raised where the policy says `refusal: raise`.

    Attributes:
        verdict: why (scores, principles, windows; never the text).
    """

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"blocked by the medical-safety policy ({verdict.reason})")
        self.verdict = verdict
