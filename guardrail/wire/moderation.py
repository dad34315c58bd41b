"""A verdict as OpenAI's `moderation` field (openai.types.chat.chat_completion.Moderation).

Categories are the nine AMA principles (`ama/4-rights-and-privacy`), `general-harm`, and the overall score:
`prompt-risk` (0-1) for the input, `harmfulness` (the paper's 1-5) for the output.
"""

from __future__ import annotations

from typing import Any

from guardrail.principles import PRINCIPLES
from guardrail.verdict import Action, Direction, Verdict


def moderation(prompt: Verdict | None, response: Verdict | None) -> dict[str, Any]:
    """The field with both sides; a side without a verdict has no results."""
    known = prompt or response
    model = _model(known) if known else ""
    return {"input": _side(prompt, "prompt", model), "output": _side(response, "response", model)}


def result(verdict: Verdict, direction: Direction) -> dict[str, Any]:
    """One moderation result: categories, scores, and whether the policy flagged the text."""
    scores: dict[str, float] = {}
    flags: dict[str, bool] = {}
    found = verdict.scores
    flagged = verdict.action is not Action.ALLOW
    if found is not None:
        for principle in PRINCIPLES:
            scores[principle.category] = found.principles.get(principle.number, 0.0)
            flags[principle.category] = principle.number in verdict.flagged
        scores["general-harm"] = found.general
        flags["general-harm"] = flagged and not verdict.flagged
        name, overall = (
            ("prompt-risk", found.prompt_risk)
            if direction == "prompt"
            else ("harmfulness", found.harmfulness)
        )
        if overall is not None:
            scores[name] = overall
            flags[name] = flagged
    return {
        "type": "moderation_result",
        "model": _model(verdict),
        "flagged": flagged,
        "categories": flags,
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] for name in scores},
    }


def _model(verdict: Verdict) -> str:
    return f"{verdict.classifier.name}@{verdict.classifier.version}"


def _side(verdict: Verdict | None, direction: Direction, model: str) -> dict[str, Any]:
    if verdict is not None and verdict.failure:
        return {"type": "error", "code": "guardrail_failure", "message": f"not scored: {verdict.failure}"}
    results = [] if verdict is None else [result(verdict, direction)]
    return {"type": "moderation_results", "model": model, "results": results}
