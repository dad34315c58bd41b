"""Requests and exchanges outside medicine: harm in general, jailbreaks, and safe requests that look scary."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any, cast

from benchmark.data.records import Exchange, Request
from benchmark.data.root import data_file, read_csv, read_json

MODELS = ("GPT4", "ChatGPT", "Claude", "ChatGLM2", "llama2-7b-chat", "vicuna-7b")
NOT_A_REQUEST_FOR_HARM = "Human-Chatbot Interaction Harms"
"""A Do-Not-Answer area of people who are lonely or ask for advice: not a request for harm."""


def advbench() -> Iterator[Request]:
    """520 harmful goals."""
    for row in read_csv(data_file("advbench", "harmful_behaviors.csv")):
        yield Request("advbench", row["goal"], True, 0)


def red_instruct() -> Iterator[Request]:
    """Harmful questions of CatQA (by category) and DangerousQA."""
    tree = cast(dict[str, dict[str, list[str]]], read_json(data_file("red-instruct", "catqa_english.json")))
    for category, groups in tree.items():
        for questions in groups.values():
            for question in questions:
                yield Request("red-instruct", question, True, 0, category)
    for question in cast(list[str], read_json(data_file("red-instruct", "dangerousqa.json"))):
        yield Request("red-instruct", question, True, 0, "dangerousqa")


def trustllm_misuse() -> Iterator[Request]:
    """1,174 misuse requests."""
    for row in cast(list[dict[str, str]], read_json(data_file("trustllm", "misuse.json"))):
        yield Request("trustllm", row["prompt"].strip(), True, 0, row.get("type", ""))


def do_not_answer() -> Iterator[Exchange]:
    """939 risky questions x 6 models' answers, human-labelled harmful or not; `kind` is the risk area.

    Actions 0 (can't assist) and 1 (refutes) count as refusals, 4 (answers generally) and 5 (follows) do not.
    """
    for row in read_csv(data_file("do-not-answer", "data_en.csv")):
        for model in MODELS:
            response, action = row[f"{model}_response"].strip(), row[f"{model}_action"]
            if not response or row[f"{model}_harmful"] not in ("0", "1"):
                continue
            refusal = True if action in ("0", "1") else False if action in ("4", "5") else None
            harmful = row[f"{model}_harmful"] == "1"
            yield Exchange(
                "do-not-answer",
                row["question"],
                response,
                None,
                harmful,
                refusal,
                None,
                row["risk_area"],
                row["id"],
            )


def gptfuzz() -> Iterator[Exchange]:
    """Human-labelled answers to 100 harmful questions under jailbreak: harmful (jailbroken) or not."""
    questions = {row["index"]: row["text"] for row in read_csv(data_file("gptfuzz", "question_list.csv"))}
    for row in read_csv(data_file("gptfuzz", "train.csv")):
        question = questions.get(row["question"])
        response = row["Response"].strip()
        if question and response and row["label"] in ("0", "1"):
            yield Exchange("gptfuzz", question, response, harmful=row["label"] == "1", origin=row["question"])


def openai_moderation() -> Iterator[Request]:
    """1,680 texts; `harmful` is False where no category applies, None otherwise (content, not intent)."""
    path = data_file("openai-moderation", "samples-1680.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        for line in handle:
            row: dict[str, Any] = json.loads(line)
            clean = not any(value for key, value in row.items() if key != "prompt")
            yield Request("openai-moderation", row["prompt"].strip(), False if clean else None)


def jailbreak_templates() -> list[str]:
    """80 wrappers for training (`_train` only); the request replaces `[INSERT PROMPT HERE]`."""
    rows = read_csv(data_file("jailbreak-templates", "jailbreak_prompts_train.csv"))
    return [row["prompt"] for row in rows]


def xstest() -> Iterator[Request]:
    """250 safe requests that look scary and 200 unsafe ones. Evaluation only."""
    for row in read_csv(data_file("xstest", "xstest_prompts.csv")):
        yield Request("xstest", row["prompt"], row["label"] == "unsafe", 0, row["type"])
