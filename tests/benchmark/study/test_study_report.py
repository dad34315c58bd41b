"""What a study amounts to: one value, its page, its Markdown, its figures."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmark.output import plain
from benchmark.stats import Estimate
from benchmark.study import charts, tables
from benchmark.study.build import build_study
from benchmark.study.page import markdown, page
from benchmark.study.places import asked_folder
from benchmark.study.settings import Skills, StudyError, Subject
from benchmark.study.stages import MANIFEST
from benchmark.study.tree import Study
from tests.benchmark.study.made_up_study import settings, write_study


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("study") / "out", settings())


@pytest.fixture(scope="module")
def study(out: Path) -> Study:
    return build_study(settings(), out, ("not asked: xstest: it is not there",))


def test_one_table_has_every_model_in_both_arms_and_the_order_of_n(study: Study) -> None:
    table = tables.overview(study)
    assert [row[:2] for row in table.rows] == [
        (label, arm)
        for label in ("base", "tuned, med n=200", "tuned, med n=1000")
        for arm in ("without guard", "with guard")
    ]
    assert "skill: medqa" in table.columns
    base = study.whole("base", "bare")
    assert base is not None
    assert base.harmfulness is not None
    assert table.rows[0][3] == f"{base.harmfulness.se:.3f}"
    assert len(tables.terminal(study).columns) == 5


def test_seeds_are_repeats_of_one_model_and_a_request_counts_once(study: Study) -> None:
    tuned = study.whole("tuned, med n=200", "bare")
    base = study.whole("base", "bare")
    assert tuned is not None
    assert base is not None
    assert tuned.harmful == 2 * base.harmful
    assert [model.seeds for model in study.models] == [(0,), (3, 5), (3, 5)]
    # Two seeds with the same answers: the error is that of the requests, not of twice as many.
    assert tuned.harmfulness is not None
    assert base.harmfulness is not None
    assert tuned.harmfulness.se == pytest.approx(base.harmfulness.se, rel=0.3)
    assert any(note.startswith("Every size was trained 2 times") for note in study.notes)


def test_differences_are_paired_with_the_one_answer_of_the_base(study: Study) -> None:
    rows = {row.target: row for row in study.changes if row.dimension == "all"}
    assert list(rows) == [
        "guard alone, less base",
        *(
            title.format(f"tuned, med n={n}")
            for n in (200, 1000)
            for title in (
                "{}, less base",
                "{}, with guard, less base",
                "{}, with guard, less without",
                "guard alone, less {}",
            )
        ),
    ]
    tuned = rows["tuned, med n=200, less base"]
    assert tuned.pairs == 2 * 150
    assert tuned.harmfulness is not None
    assert -0.5 <= tuned.harmfulness.low <= tuned.harmfulness.value < 0
    assert tuned.refusals is not None
    assert tuned.refusals.change.value == 0
    assert rows["guard alone, less base"].pairs == 150


def test_skill_is_told_with_its_difference(study: Study) -> None:
    assert study.benchmarks == ("medqa",)
    bare, guarded = (study.skill("medqa", "base", arm) for arm in ("bare", "guarded"))
    assert bare is not None
    assert guarded is not None
    assert (bare.value, guarded.value) == (26 / 40, 25 / 40)
    changes = {row.title: row.difference for row in study.skill_changes}
    found = changes["guard alone, less base"]
    assert found is not None
    assert found.value == pytest.approx(-1 / 40)
    unchanged = changes["tuned, med n=200, less base"]
    assert unchanged is not None
    assert unchanged.value == 0


def test_the_sentences_say_what_was_found(study: Study) -> None:
    said = "\n".join(study.sentences)
    assert (
        "Fine-tuning (n=200, 2 seeds) changed, request by request: mean harmfulness \N{MINUS SIGN}0." in said
    )
    assert "medqa not at all" in said
    assert "The guarded base does less harm than the model tuned on n=200" in said
    assert study.notes[0] == "not asked: xstest: it is not there"


def test_sets_with_several_sources_are_shown_by_source_too(study: Study) -> None:
    assert {row.value for row in study.parts} == {
        "medsafety-eval",
        "medsafety-eval/gpt4",
        "medsafety-eval/llama2",
    }


def test_page_and_markdown_have_the_figures_and_need_nothing(study: Study) -> None:
    shown = page(study)
    for title in (
        "Mean harmfulness per model and set",
        "Harmfulness against n",
        "Over-refusal against n",
        "Skill against n: medqa",
        "Difference in mean harmfulness",
        "Difference in over-refusal",
        "Difference in skill: medqa",
        "Harm against over-refusal",
    ):
        assert shown.count(f"<title>{title}</title>") == 2, title
    assert "<script" not in shown
    assert not re.search(r"(src|href)=\"http", shown)
    told = markdown(study)
    assert "## The study in one table" in told
    assert "Mind: the learning rate never reaches 0.0003" in told
    assert json.loads(json.dumps(plain(study)))["models"][2]["n"] == 1000


def test_a_study_that_did_not_end_has_no_report(tmp_path: Path) -> None:
    chosen = settings(seeds=(0,), sizes=(200,))
    out = write_study(tmp_path / "out", chosen)
    (asked_folder(out, Subject("med", 200)) / MANIFEST).unlink()
    with pytest.raises(StudyError, match="did not come to its end"):
        build_study(chosen, out)


def test_without_skill_and_with_one_judge_it_is_a_report_too(tmp_path: Path) -> None:
    chosen = settings(seeds=(0,), sizes=(200,), skills=Skills({}))
    found = build_study(chosen, write_study(tmp_path / "out", chosen))
    assert found.benchmarks == ()
    assert "Medical skill" not in page(found)
    assert not any(note.startswith("Every size") for note in found.notes)


def test_the_judge_of_the_headline_is_the_first_that_is_asked_for(tmp_path: Path) -> None:
    chosen = settings(seeds=(0,), sizes=(200,), judges=("openai:judge-model", "classifier"))
    found = build_study(chosen, write_study(tmp_path / "out", chosen))
    assert found.report.judge == "openai:judge-model (paper)"


BAR = ("base", "bare", Estimate(2.5, 2.0, 3.0, 10, 0.25))


@pytest.mark.parametrize("width", [900, 340])
def test_figures_stay_on_their_canvas(width: float, study: Study) -> None:
    points = [
        (0, Estimate(0.5, 0.1, 0.9, 10)),
        (100, Estimate(0.4, 0.0, 1.0, 10)),
        (1800, Estimate(0.2, 0, 0.9, 10)),
    ]
    rows = [
        ("a comparison, less base", Estimate(-0.4, -2.9, 1.2, 10)),
        ("another", Estimate(3.1, 2.0, 3.9, 10)),
    ]
    scale = charts.shares("over-refusal", [found for _, found in points])
    for drawing in (
        charts.means(width, {"medsafety-eval": [BAR, ("base", "guarded", Estimate(4.9, 4, 5, 9, 0.5))]}),
        charts.curves(width, "Over-refusal against n", scale, {"bare": points, "guarded": points[:2]}),
        charts.differences(width, "Difference", rows, points=False),
        charts.differences(width, "Difference", rows[1:], points=True),
    ):
        assert drawing is not None
        tree = ElementTree.fromstring(drawing)
        high = float(tree.attrib["height"])
        for shape in tree.iter():
            for key, value in shape.attrib.items():
                if key in ("x", "x1", "x2", "cx"):
                    assert -0.5 <= float(value) <= width + 0.5, ElementTree.tostring(shape)
                if key in ("y", "y1", "y2", "cy"):
                    assert 0 <= float(value) <= high, ElementTree.tostring(shape)


def test_what_has_nothing_to_show_is_not_drawn() -> None:
    one = [(0, Estimate(1.5, 1.0, 2.0, 9))]
    assert charts.curves(900, "t", charts.HARM, {"bare": one, "guarded": one}) is None
    assert charts.differences(900, "t", [], points=True) is None
    assert charts.means(900, {}) is None


def test_an_error_that_is_not_known_is_drawn_as_none() -> None:
    label, arm, found = BAR
    drawing = charts.means(900, {"set": [(label, arm, replace(found, se=None))]})
    assert drawing is not None
    assert "standard error \N{EN DASH}" in drawing
