"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no finding: what matters is what a property says, not how long one example takes.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
