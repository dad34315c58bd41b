"""A run from its settings to its folder: begun, gone on with, or found to be finished."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.data.root import DataError
from benchmark.judged import Arm
from benchmark.provenance import guard_provenance, provenance
from benchmark.runs.conductor import Conductor
from benchmark.runs.errors import RunError
from benchmark.runs.folder import Folder
from benchmark.runs.journal import Journal
from benchmark.runs.judges import open_panel, referee
from benchmark.runs.panel import Panel
from benchmark.runs.plan import Plan, make_plan
from benchmark.runs.settings import Settings, differences
from benchmark.runs.store import Side, Store
from benchmark.targets import Target, Usage, open_target
from guardrail.guard import Guard

Report = Callable[[int, int], None]
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A run that came to its end: what run.json says, and what was planned."""

    told: Facts
    plan: Plan


async def execute(settings: Settings, out: Path, report: Report = lambda done, total: None) -> Done:
    """Ask and judge what is not in the folder yet, and write the folder.

    `report` is told how many exchanges (request x arm) of how many are judged.

    Raises:
        DataError, InputError: a set, a target or a judge that there is none of.
        TargetError: the endpoint can answer nothing, or the cost limit is reached.
        RunError: the folder is another run's, is in use, or can't be written.
        ModuleNotFoundError: something is to be asked, and the engine is not installed.
    """
    plan = make_plan(settings.sets, settings.limit, settings.seed)
    folder = Folder(out)
    before = folder.before()
    usage = Usage(settings.cost_limit)
    async with AsyncExitStack() as stack:
        judging = stack.enter_context(referee())
        guards: dict[Arm, Guard] = {}
        if "guarded" in settings.arms:
            guards["guarded"] = stack.enter_context(Guard(settings.policy, bundle=settings.bundle))
        targets: dict[Arm, Target] = {}
        for arm in settings.arms:
            targets[arm] = _open(settings, guards.get(arm), usage)
            stack.push_async_callback(targets[arm].aclose)
        panel = open_panel(settings, judging, usage)
        stack.push_async_callback(panel.aclose)
        facts: dict[Arm, Facts] = {arm: _facts(target, guards.get(arm)) for arm, target in targets.items()}
        _require_same(folder, before, facts)
        journal = stack.enter_context(Journal(folder.journal))
        sides = {Side.of(arm, target.name, facts[arm]): target for arm, target in targets.items()}
        store = Store(journal, texts=settings.texts, usage=usage)
        conductor = Conductor(store, plan.asked, list(sides), panel, sides)
        run = _Run(settings, plan, folder, conductor, panel, facts, usage, before or {})
        if conductor.missing or not run.before.get("finished"):
            store.begin(plan.asked)
            await run.go_on(report)
        return Done(run.write(finished=True), plan)


@dataclass(frozen=True, slots=True)
class _Run:
    """What is needed to drive a run, and to write down where it comes from."""

    settings: Settings
    plan: Plan
    folder: Folder
    conductor: Conductor
    panel: Panel
    facts: Mapping[Arm, Facts]
    usage: Usage
    before: Facts

    async def go_on(self, report: Report) -> None:
        """Drive what is missing; whatever happens, the folder then has what there is."""
        missing, total = self.conductor.missing, len(self.plan.asked) * len(self.conductor.sides)
        if not missing:
            return
        # Here and not above: a finished run is read, reported and judged again without the engine.
        from benchmark.runs.engine.drive import drive

        judged = 0

        def progress() -> None:
            nonlocal judged
            judged += 1
            report(judged, total)

        self.conductor.progress = progress
        self.write(finished=False)
        try:
            await drive(self.conductor, self.folder.logs, texts=self.settings.texts)
        except BaseException:
            # The first error is the one to tell: where a full disk was the cause, this fails for it too.
            with suppress(RunError, DataError):
                self.write(finished=False)
            raise

    def write(self, *, finished: bool) -> Facts:
        """Write the folder; what run.json says. Nothing that was asked for keeps the moment of its end."""
        judges = {name: facts for judge in self.panel.judges for name, facts in judge.provenance().items()}
        before: Facts = {"judges": {}, "settings": {"judges": []}, **self.before}
        settings = self.settings.told()
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        calls = self.conductor.calls
        ended = now if calls.answers or calls.opinions else self.before.get("finished") or now
        told: Facts = {
            **provenance(self.settings.seed),
            "started": self.before.get("started") or now,
            "finished": ended if finished else None,
            "settings": {
                **settings,
                "judges": list(dict.fromkeys([*before["settings"]["judges"], *settings["judges"]])),
            },
            "data": self.plan.data,
            "skipped": self.plan.skipped,
            "repeated": self.plan.repeated,
            "targets": {
                side.arm: {"name": side.target, **self.facts[side.arm]} for side in self.conductor.sides
            },
            "guard": next((row["guard"] for row in self.facts.values() if row["guard"]), None),
            "judges": {**before["judges"], **judges},
            "usage": self.usage.told(),
        }
        keep = frozenset(before["judges"]) - judges.keys()
        return self.folder.write(self.conductor, told, texts=self.settings.texts, keep=keep)


def _open(settings: Settings, guard: Guard | None, usage: Usage) -> Target:
    return open_target(
        settings.model,
        guard=guard,
        mode=settings.mode,
        family=settings.family,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        base_url=settings.base_url,
        concurrency=settings.concurrency,
        usage=usage,
        price=settings.price,
    )


def _facts(target: Target, guard: Guard | None) -> Facts:
    """What an arm's answers depend on, as it is before the first request."""
    return {"provenance": target.provenance(), "guard": None if guard is None else guard_provenance(guard)}


def _require_same(folder: Folder, before: Facts | None, facts: Mapping[Arm, Facts]) -> None:
    """A folder is one target's, under one guard; sets, judges and arms may be added to it."""
    known = (before or {}).get("targets", {})
    for arm, row in facts.items():
        if arm in known:
            old = {key: value for key, value in known[arm].items() if key != "name"}
            if found := differences(old, row):
                raise RunError(
                    f"{folder.path} is another run's ({arm}: {'; '.join(found)}): choose another --out"
                )
