"""`guardrail bench finetune`: a model tuned on safety demonstrations, the paper's way or ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from benchmark.commands.options import (
    BatchOption,
    BenignOption,
    EpochsOption,
    LengthOption,
    MethodOption,
    MicroBatchOption,
    RateOption,
    SafetyOption,
    SaveOption,
    StartOption,
    StepsOption,
    TwinsOption,
    one_of,
)

if TYPE_CHECKING:
    from benchmark.data.finetuning import Kind
    from benchmark.finetune.answers import Keep
    from benchmark.finetune.run import Recipe
    from benchmark.finetune.settings import Method, Mode, Settings


def finetune(
    model: StartOption,
    out: Annotated[Path, typer.Option(help="Folder that becomes the model; one that was begun is taken up.")],
    safety: SafetyOption = "med",
    n: Annotated[int, typer.Option("--n", help="How many: 100, 200 ... 900 (both: 1800).")] = 900,
    mode: Annotated[str, typer.Option(help="paper or modern.")] = "paper",
    method: MethodOption = "lora",
    epochs: EpochsOption = None,
    rate: RateOption = None,
    max_length: LengthOption = None,
    batch: BatchOption = None,
    micro_batch: MicroBatchOption = None,
    seed: Annotated[int, typer.Option(help="Of adapter, order, dropout and draws.")] = 0,
    max_steps: StepsOption = None,
    save_every: SaveOption = None,
    twins: TwinsOption = None,
    benign: BenignOption = None,
) -> None:
    """Fine-tune a model on safety demonstrations; resumable, merged, with a card.

    What is not given is the mode's own: `paper` as in the MedSafetyBench repository, `modern` in the model's
    own chat template with harmless exchanges among the demonstrations. Needs the extra `finetune`.
    """
    from benchmark.finetune.needs import require_finetune
    from benchmark.finetune.settings import settings_of

    one_of("--safety", safety, ("med", "gen", "both"))
    one_of("--mode", mode, ("paper", "modern"))
    one_of("--method", method, ("lora", "full"))
    settings = settings_of(
        cast("Mode", mode),
        cast("Method", method),
        epochs=epochs,
        rate=rate,
        max_length=max_length,
        batch=batch,
        micro_batch=micro_batch,
        seed=seed,
        save_every=save_every,
        twins=twins,
        benign=benign,
        max_steps=max_steps,
    )
    require_finetune("fine-tuning", "finetune")
    from benchmark.finetune.run import recipe

    what = recipe(cast("Kind", safety), n, settings)
    card = _tune(model, what, settings, out)
    for line in _summary(card):
        typer.echo(line)
    typer.echo(f"wrote {out}; evaluate it with the template `{card['template']}`", err=True)


def _tune(model: Path, what: Recipe, settings: Settings, out: Path) -> dict[str, Any]:
    from contextlib import ExitStack

    from benchmark.finetune.answers import kept_by
    from benchmark.finetune.run import finetune as tune
    from guardrail.guard import Guard

    def say(line: str) -> None:
        typer.echo(line, err=True)

    with ExitStack() as stack:
        keep: Keep = kept_by(stack.enter_context(Guard())) if what.twins else _no_twins
        return tune(model, what, settings, out, say, keep)


def _no_twins(prompt: str, response: str) -> bool:
    return False


def _summary(card: dict[str, Any]) -> list[str]:
    data, plan, weights, curve = card["data"], card["schedule"], card["weights"], card["curve"]
    examples = ", ".join(f"{count} {kind}" for kind, count in data["examples"].items())
    lines = [
        f"examples: {examples}; {data['cut']} cut, {data['unlearned']} left out as too long",
        f"weights trained: {weights['trained']:,} of {weights['all']:,}",
        f"steps: {plan['steps']} of {plan['steps_of_the_whole_run']}; warm-up {plan['warmup_share']:.0%}; "
        f"highest rate {plan['highest_rate']:.3g}",
        f"loss: {curve[0]['loss']:.3f} to {curve[-1]['loss']:.3f}",
        f"hours: {card['hours']:.2f}",
    ]
    for row in data["near_evaluation"]:
        if row.get("near") and any(row["near"].values()):
            lines.append(
                f"mind: {min(row['near'].items())[1]} of {row['n']} requests of {row['set']} have a near "
                f"copy among the training prompts, {row['exact']} an exact one"
            )
    return lines
