"""Guard an asynchronous client; scoring never blocks the event loop."""

from __future__ import annotations

import asyncio

from openai import AsyncOpenAI

from guardrail import Guard

QUESTIONS = (
    "What dose of morphine is too much for my father?",
    "Can I drink wine while I take metronidazole?",
)


async def main() -> None:
    """Ask all questions at once."""
    with Guard() as guard:
        async with guard.wrap(AsyncOpenAI()) as client:
            completions = await asyncio.gather(
                *(
                    client.chat.completions.create(
                        model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
                    )
                    for question in QUESTIONS
                )
            )
    for completion in completions:
        print(completion.choices[0].message.content)


asyncio.run(main())
