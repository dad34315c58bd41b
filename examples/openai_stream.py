"""Stream through the guard: text is printed once its window was scored; a harmful answer is cut."""

from __future__ import annotations

from openai import OpenAI

from guardrail import Guard

client = Guard().wrap(OpenAI())
stream = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "How is warfarin monitored?"}],
    stream=True,
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
        if choice.finish_reason == "content_filter":
            print("\n[cut by the guard]")
print()
