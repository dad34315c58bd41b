"""The sans-IO core: one exchange of a request and its answer, whole or streamed, as a state machine."""

from guardrail.exchange.exchange import Answer, Exchange, Forward, Outcome, Record
from guardrail.exchange.judge import Judge
from guardrail.exchange.memory import Memory
from guardrail.exchange.steps import Steps, adrive, drive
from guardrail.exchange.stream import ResponseStream

__all__ = [
    "Answer",
    "Exchange",
    "Forward",
    "Judge",
    "Memory",
    "Outcome",
    "Record",
    "ResponseStream",
    "Steps",
    "adrive",
    "drive",
]
