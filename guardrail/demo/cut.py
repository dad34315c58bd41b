"""The act of the stream: an answer printed as it is released, until the guard cuts it."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Console
from rich.text import Text

from guardrail.demo.backend import Backend
from guardrail.demo.typewriter import Typewriter
from guardrail.demo.watch import Watch
from guardrail.guard import Guard

STREAM_TOKENS: Final = 220


def stream_answer(console: Console, guard: Guard, watch: Watch, found: Backend, request: str) -> bool:
    """Stream the answer to `request`; whether it was cut after some of it was released."""
    import openai

    console.print(Text(request, style="bold"))
    watch.reset()
    released = 0
    typewriter = Typewriter(console, "default")
    cut = False
    moderation: dict[str, Any] | None = None
    with openai.OpenAI(base_url=found.base_url, api_key=found.api_key) as plain:
        stream = guard.wrap(plain).chat.completions.create(
            model=found.model,
            messages=[{"role": "user", "content": request}],
            max_tokens=STREAM_TOKENS,
            temperature=0,
            stream=True,
        )
        for chunk in stream:
            # Typed in newer SDKs only, kept as an extra field by older ones.
            moderation = chunk.model_dump().get("moderation") or moderation
            for choice in chunk.choices:
                piece = choice.delta.content or ""
                released += len(piece)
                typewriter.type(piece)
                cut = cut or choice.finish_reason == "content_filter"
    console.print(Text(" ✂ cut" if cut else "", style="bold red"))
    told = [
        f"{released} characters had been released" if cut else f"not cut, {released} characters",
        *_scores(moderation),
        f"guard {watch.milliseconds:.1f} ms in {watch.calls} checks",
    ]
    console.print(Text("; ".join(told), style="red" if cut else "yellow"), highlight=False)
    return cut and released > 0


def _scores(moderation: dict[str, Any] | None) -> list[str]:
    """What the verdict on the last chunk says, in words."""
    if moderation is None:
        return []
    told: list[str] = []
    for side, name, words in (
        ("input", "prompt-risk", "prompt risk {:.2f} (observed)"),
        ("output", "harmfulness", "harm of what came next {:.1f} of 5"),
    ):
        for result in moderation[side]["results"]:
            if name in result["category_scores"]:
                told.append(words.format(result["category_scores"][name]))
    for result in moderation["output"]["results"]:
        scores, flags = result["category_scores"], result["categories"]
        broken = sorted(
            (key for key in flags if flags[key] and key.startswith("ama/")), key=scores.get, reverse=True
        )
        told += [f"principles {','.join(key[4] for key in broken[:3])}"] if broken else []
    return told
