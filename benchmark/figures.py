"""The figures that a bundle carries, as the documents and the command line show them."""

from __future__ import annotations

from typing import Any

from guardrail.scoring.bundle import Manifest


def figures_table(manifest: Manifest) -> str:
    """One row per measure: value, 95 % bootstrap interval, number of texts, target."""
    lines = ["| measure | data | value [95 % interval] | n | target |", "| --- | --- | --- | --- | --- |"]
    metrics: dict[str, Any] = manifest.metrics
    for key, row in metrics.items():
        name, _, data = key.partition(" | ")
        value = f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        lines.append(f"| {name} | {data} | {value} | {row['n']} | {row['target']} |")
    origin = f"{manifest.name} {manifest.version}, {manifest.created}, data revision {manifest.data_revision}"
    return "\n".join([*lines, "", f"{origin}, seed {manifest.seed}."])
