"""Guard an OpenAI client: two lines around the one already in use."""

from __future__ import annotations

from openai import OpenAI

from guardrail import Guard

client = Guard().wrap(OpenAI())

completion = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "What dose of morphine is too much for my father?"}],
)
print(completion.choices[0].message.content)
print(completion.choices[0].finish_reason)  # "content_filter" where the guard answered instead
