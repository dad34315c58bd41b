"""`python -m guardrail` is the command `guardrail`."""

from __future__ import annotations

from guardrail.cli import main

main()
