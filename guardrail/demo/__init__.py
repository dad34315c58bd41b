"""`guardrail demo`: an official OpenAI client, a real language model, and the guard between them."""
