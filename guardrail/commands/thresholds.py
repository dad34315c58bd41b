"""The scores at which a policy acts with a given classifier, as a table."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from guardrail.policy import Policy
from guardrail.principles import PRINCIPLES
from guardrail.scoring.bundle import Bundle


def thresholds_table(policy: Policy, bundle: Bundle) -> Table:
    """Per direction: the overall threshold and action, then each principle's."""
    resolved = policy.resolve(bundle.curves)
    sides = (resolved.prompt, resolved.response)
    table = Table(
        box=SIMPLE_HEAD,
        title_justify="left",
        caption=f"{bundle.info.name} {bundle.info.version}; principles without an action are only listed",
        caption_justify="left",
    )
    table.add_column("acts from")
    table.add_column("prompt", no_wrap=True)
    table.add_column("response", no_wrap=True)
    table.add_row("overall", *(f"{side.threshold:.3f} {side.action.value}" for side in sides))
    for principle in PRINCIPLES:
        rules = [side.rules[principle.number - 1] for side in sides]
        cells = (f"{rule.threshold:.3f} {rule.action.value if rule.action else ''}" for rule in rules)
        table.add_row(f"{principle.number} {principle.name}", *cells)
    return table
