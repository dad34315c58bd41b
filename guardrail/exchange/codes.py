"""The error codes a caller may see; with status 400, which clients do not try again."""

from __future__ import annotations

from typing import Final

FILTERED: Final = "content_filter"
"""The policy stopped a prompt or a response."""
FAILED: Final = "guardrail_failure"
"""It could not be scored, and the policy fails closed."""
UNSUPPORTED: Final = "unsupported_by_guardrail"
"""An endpoint or content that the guard does not read."""
UNREADABLE: Final = "upstream_unreadable"
"""An answer of the upstream that is not of the expected format."""
