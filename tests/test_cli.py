"""The command line as a person uses it: real processes, real files."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from perception import TASKS

MIDLEVEL = Path(sys.executable).with_name("midlevel")


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([MIDLEVEL, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=120)


def refused(*arguments: object) -> str:
    """What a command says of the user's mistake: one line on stderr, nothing on stdout, exit code 2."""
    done = run(*arguments)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("midlevel: ")
    return done.stderr


@pytest.fixture
def affinities(tmp_path: Path) -> Path:
    file = tmp_path / "affinity.json"
    rows = [
        {"sources": ["rgb2sfnorm"], "target": "curvature", "affinity": 0.6, "gain": 0.9, "quality": 0.4},
        {"sources": ["reshade"], "target": "curvature", "affinity": 0.3, "gain": 0.5, "quality": 0.2},
        {"sources": ["normal"], "target": "reshading", "affinity": 0.2, "gain": 0.6, "quality": 0.3},
        {"sources": ["self"], "target": "reshading", "affinity": 0.7, "gain": 0.9, "quality": 0.5},
        {"sources": ["normal", "edge2d"], "target": "curvature", "affinity": 0.65, "gain": 0.9, "quality": 0.4},
    ]
    file.write_text(json.dumps({"transfers": rows}))
    return file


def test_help_needs_none_of_the_heavy_imports() -> None:
    code = (
        "import sys, midlevel, typer\n"
        "try: midlevel.app(['taxonomy', '--help'], standalone_mode=False)\n"
        "finally: print(sorted({'numpy', 'scipy', 'pulp', 'highspy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_solve_prints_canonical_names_in_the_documented_json(affinities: Path) -> None:
    done = run("taxonomy", "solve", affinities, "--budget", 2, "--json")
    answer = json.loads(done.stdout)
    assert answer.pop("seconds") > 0
    assert answer == {
        "status": "optimal",
        "objective": pytest.approx(1.3),
        "budget": 2.0,
        "max_order": 2,
        "sources": ["normal", "reshading"],
        "transfers": [
            {"target": "curvature", "sources": ["normal"], "affinity": 0.6},
            {"target": "reshading", "sources": ["reshading"], "affinity": 0.7},
        ],
    }


def test_solve_takes_aliases_weights_and_constraints(affinities: Path) -> None:
    done = run(
        "taxonomy", "solve", affinities, "--budget", "2.5", "--json", "--targets", "principal_curvature",
        "--importance", "principal_curvature=2", "--cost", "edge2d=1.5,reshade=9", "--max-order", 2,
        "--force", "rgb2sfnorm", "--forbid", "reshade",
    )  # fmt: skip
    assert done.returncode == 2
    assert "cost is given for 'reshade', which is not a source that may be trained" in done.stderr
    done = run(
        "taxonomy", "solve", affinities, "--budget", "2.5", "--json", "--targets", "principal_curvature",
        "--importance", "principal_curvature=2", "--cost", "edge2d=1.5", "--force", "rgb2sfnorm", "--forbid", "reshade",
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer["objective"] == pytest.approx(1.3)
    assert answer["sources"] == ["edge_texture", "normal"]


def test_solve_for_people_names_what_to_train(affinities: Path) -> None:
    done = run("taxonomy", "solve", affinities, "--budget", 1)
    assert done.stdout.startswith("objective 1.000000 at budget 1, order <= 2\ntrain     reshading\n")


def test_coverage_prints_the_documented_json(affinities: Path) -> None:
    answer = json.loads(run("taxonomy", "coverage", affinities, "--size", 2, "--json").stdout)
    assert list(answer) == ["size", "features", "worst_distance", "total_distance", "worst_task", "seconds"]
    assert answer["features"] == ["normal", "reshading"]
    assert answer["worst_task"] == "curvature"
    assert "features normal,reshading\n" in run("taxonomy", "coverage", affinities, "--size", 2).stdout


def test_evaluate_prints_gain_quality_and_chance(affinities: Path) -> None:
    done = run("taxonomy", "evaluate", affinities, "--budgets", "1-2", "--random", 100, "--json")
    budgets = json.loads(done.stdout)["budgets"]
    assert [entry["budget"] for entry in budgets] == [1, 2]
    assert budgets[1]["gain"]["mean"] == pytest.approx(0.9)
    assert budgets[1]["random"]["count"] == 100
    assert run("taxonomy", "evaluate", affinities, "--budgets", "2").stdout.startswith("budget  objective  gain %")


def test_affinity_goes_from_losses_to_a_file_that_solve_reads(tmp_path: Path) -> None:
    losses = tmp_path / "losses.csv"
    rows = ["image,sources,target,loss"]
    for image in range(40):
        rows += [f"{image},normal,curvature,{image % 7}", f"{image},jigsaw,curvature,{image % 7 + image % 2}"]
    losses.write_text("\n".join(rows))
    out = tmp_path / "run" / "affinity.json"
    done = run("taxonomy", "affinity", losses, "--out", out)
    assert done.returncode == 0
    assert "curvature  normal" in done.stdout
    solved = json.loads(run("taxonomy", "solve", tmp_path / "run", "--budget", 1, "--json").stdout)
    assert solved["sources"] == ["normal"]
    assert solved["objective"] == pytest.approx(0.75)  # normal wins or ties: 0.5 + 0.5 / 2, against 1 - that


def test_report_writes_one_page_and_its_pictures(affinities: Path, tmp_path: Path) -> None:
    done = run("taxonomy", "report", affinities, "--out", tmp_path / "out", "--random", 50)
    assert done.returncode == 0, done.stderr
    page = Path(done.stdout.strip())
    assert page == tmp_path / "out" / "report.html"
    text = page.read_text()
    assert text.count("data:image/svg+xml;base64,") == len(list((tmp_path / "out" / "figures").glob("*.svg")))
    assert {p.suffix for p in (tmp_path / "out" / "figures").iterdir()} == {".svg", ".png"}
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


def test_doctor_lists_what_is_there_and_how_to_get_what_is_not() -> None:
    findings = {f["name"]: f for f in json.loads(run("doctor", "--json").stdout)["findings"]}
    assert findings["PuLP"]["found"]
    for finding in findings.values():
        assert finding["found"] or finding["remedy"]
    assert "conda" in (findings["habitat-sim"]["remedy"] or "conda")
    assert run("doctor").stdout.startswith("    what")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve", "FILE", "--budget", "0"], "the budget is 0.0"),
        (["solve", "FILE", "--budget", "-1"], "the budget is -1.0"),
        (["solve", "FILE", "--budget", "1.5"], "give 1 or 2"),
        (["solve", "FILE", "--budget", "99"], "training all 3 sources costs 3"),
        (["solve", "FILE", "--budget", "nan"], "the budget is nan"),
        (["solve", "FILE", "--budget", "four"], "--budget"),
        (["solve", "FILE"], "--budget"),
        (["solve", "FILE", "--budget", "1", "--max-order", "0"], "the maximum order is 0"),
        (["solve", "FILE", "--budget", "1", "--targets", "curvatur"], "did you mean 'curvature'"),
        (["solve", "FILE", "--budget", "1", "--targets", "egomotion"], "'egomotion' cannot be a target here"),
        (["solve", "FILE", "--budget", "1", "--targets", "reshade,reshading"], "named twice"),
        (["solve", "FILE", "--budget", "1", "--sources", "edge2d"], "cannot be reached"),
        (["solve", "FILE", "--budget", "1", "--importance", "edge2d=2"], "not a target here"),
        (["solve", "FILE", "--budget", "1", "--importance", "normal"], "expected TASK=NUMBER"),
        (["solve", "FILE", "--budget", "1", "--cost", "normal=1,normal=2"], "names 'normal' twice"),
        (["solve", "NOWHERE", "--budget", "1"], "cannot read"),
        (["coverage", "FILE", "--size", "0"], "the size is 0; expected 1 to 3"),
        (["coverage", "FILE", "--size", "4"], "the size is 4"),
        (["coverage", "FILE", "--size", "1.5"], "--size"),
        (["evaluate", "FILE", "--budgets", "x"], "--budgets is given 'x'"),
        (["evaluate", "FILE", "--budgets", "1-999999999"], "expected a rising range, at most 10000 long"),
        (["evaluate", "FILE", "--budgets", "1,3-1"], "is given '3-1'; expected a rising range"),
        (["solve", "FILE", "--budget", "9", "--cost", "normal=0.001,edge2d=2000"], "costs go from 0.001 to 2000"),
        (["coverage", "FILE", "--size", "1", "--features", ""], "no feature is named"),
        (["coverage", "FILE", "--size", "1", "--features", "jigsaw"], "'jigsaw' cannot be a feature here"),
        (["evaluate", "FILE", "--budgets", ""], "--budgets names no number"),
        (["evaluate", "FILE", "--random", "0"], "--random"),
        (["evaluate", "FILE", "--seed", "-1"], "--seed"),
        (["report", "FILE", "--out", "FILE"], "cannot write"),
        (["solve", "a" * 5000, "--budget", "1"], "File name too long"),
        (["evaluate", "FILE", "--gain", "NOWHERE"], "cannot read"),
        (["report", "FILE", "--orders", "7"], "beyond the table's largest, 2"),
        (["affinity", "FILE", "--missing", "maybe"], "--missing is 'maybe'"),
        (["affinity", "NOWHERE"], "cannot read"),
        (["frobnicate"], "No such command"),
    ],
)
def test_every_mistake_gets_one_line_and_exit_code_two(
    arguments: list[str], message: str, affinities: Path, tmp_path: Path
) -> None:
    paths = {"FILE": affinities, "NOWHERE": tmp_path / "nowhere.json"}
    assert message in refused("taxonomy", *[paths.get(argument, argument) for argument in arguments])


def test_a_reader_that_stops_reading_is_met_with_silence(affinities: Path) -> None:
    for command in (f"solve {affinities} --budget 1", f"evaluate {affinities} --random 10 --json"):
        piped = ["bash", "-c", f"{MIDLEVEL} taxonomy {command} | true"]
        assert subprocess.run(piped, capture_output=True, text=True, timeout=60).stderr == ""


def test_bad_files_get_one_line_and_exit_code_two(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, (f"touch {marker}",)

    bad = {
        "empty.json": b"",
        "truncated.pkl": pickle.dumps({"normal__curvature": 0.5})[:-9],
        "hostile.pkl": pickle.dumps({"normal__curvature": Hostile()}),
        "foreign.pkl": pickle.dumps([1, 2, 3]),
        "nan.json": b'{"transfers": [{"sources": ["normal"], "target": "curvature", "affinity": NaN}]}',
        "negative.pkl": pickle.dumps({"normal__curvature": -0.5}),
        "image.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "long.json": b'{"transfers": [{"sources": ["normal"], "target": "curvature", "affinity": 1'
        + b"0" * 400
        + b"}]}",
        "unknown.pkl": pickle.dumps({"nomal__curvature": 0.5}),
    }
    for name, content in bad.items():
        file = tmp_path / name
        file.write_bytes(content)
        assert name in refused("taxonomy", "solve", file, "--budget", 1)
    assert not marker.exists()
    huge = tmp_path / "huge.json"
    with huge.open("wb") as sparse:
        sparse.truncate(200 << 20)
    assert "is 200 MiB" in refused("taxonomy", "solve", huge, "--budget", 1)


def test_the_published_optimum_from_the_command_line(published_folder: Path) -> None:
    file = published_folder / "all_affinities_16k.pkl"
    for budget, objective in ((2, 1.532514), (4, 1.999718), (8, 2.247202), (12, 2.373688)):
        done = run("taxonomy", "solve", file, "--budget", budget, "--max-order", 1, "--json")
        answer = json.loads(done.stdout)
        assert round(answer["objective"], 6) == objective
        assert set(answer["sources"]) <= set(TASKS)
    covered = json.loads(run("taxonomy", "coverage", file, "--size", 1, "--json").stdout)
    assert covered["features"] == ["autoencoding"]


def test_published_win_rates_are_found_beside_the_affinities(published_folder: Path) -> None:
    done = run("taxonomy", "evaluate", published_folder / "all_affinities_16k.pkl", "--budgets", 4, "--random", 50)
    assert "wins_vs_pixels_16k.pkl, found beside the affinities" in done.stderr
    assert "n/a" not in done.stdout


def test_win_rates_are_found_in_the_folders_of_the_release_too(tmp_path: Path) -> None:
    for folder, name, numbers in (
        ("affinities", "all_affinities_1k.pkl", {"rgb2sfnorm__curvature": 1.0}),
        ("winrates", "wins_vs_pixels_1k.pkl", {"rgb2sfnorm__curvature": 0.75}),
        ("winrates", "wins_vs_task_1k.pkl", {"rgb2sfnorm__curvature": 0.25}),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_bytes(pickle.dumps(numbers))
    done = run("taxonomy", "evaluate", tmp_path / "affinities" / "all_affinities_1k.pkl", "--random", 10, "--json")
    (budget,) = json.loads(done.stdout)["budgets"]
    assert (budget["gain"]["mean"], budget["quality"]["mean"]) == (0.75, 0.25)
