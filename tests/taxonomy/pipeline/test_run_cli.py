import json
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("midlevel")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def test_one_command_leads_from_a_dataset_to_a_report_that_other_commands_read(data: Path, tmp_path: Path) -> None:
    tasks = "normal,class_places,jigsaw,fixated_pose"
    options = ("--preset", "demo", "--tasks", tasks, "--max-order", 1, "--no-studies")
    table = {"transfers": [{"sources": ["jigsaw"], "target": "normal", "affinity": 0.5}]}
    (tmp_path / "published.json").write_text(json.dumps(table))
    done = run(
        "taxonomy", "run", data, "--out", "run", *options, "--published", "published.json", "--workers", 1, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "run/report/report.html\n"
    assert "networks: normal took" in done.stderr
    solved = run("taxonomy", "solve", "run", "--budget", 2, "--json", cwd=tmp_path)
    assert json.loads(solved.stdout)["status"] == "optimal"
    again = run("taxonomy", "affinity", "run/losses", "--missing", "drop", "--json", cwd=tmp_path)
    ours = json.loads((tmp_path / "run" / "affinity.json").read_text())["transfers"]
    assert json.loads(again.stdout)["transfers"] == ours
    listed = run("bank", "list", "--bank", "run/bank", cwd=tmp_path)
    assert "normal" in listed.stdout
    page = (tmp_path / "run" / "report" / "report.html").read_text()
    assert "Sample predictions" in page
    rows = {row["task"]: row for row in json.loads((tmp_path / "run" / "sanity.json").read_text())["sanity"]}
    assert set(rows) == {"normal", "class_scene", "jigsaw", "fixated_pose"}
    assert all(row["win_over_random"] is None for row in rows.values()), "no head was trained on a random encoder"
    assert [name for name, row in rows.items() if row["win_over_readout"] is None] == ["jigsaw"], "which is no target"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preset", "standart"), "unknown preset 'standart'; did you mean 'standard'?"),
        (("--executor", "slurm"), "--executor is 'slurm'; expected local, ray."),
        (("--device", "tpu"), "--device is 'tpu'; expected cpu, cuda, auto."),
        (("--tasks", "normals"), "unknown task 'normals'; did you mean 'normal'?"),
        (("--tasks", ","), "--tasks names no task; name some, or leave it out for all."),
        (("--executor", "ray", "--workers", "2"), "--workers is for the local executor; a Ray cluster has as many as"),
        (("--published", "missing.json"), "cannot read missing.json: No such file or directory."),
        (("--novel", "missing.py"), "cannot read missing.py: No such file or directory."),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(arguments: tuple[str, ...], message: str, data: Path, tmp_path: Path) -> None:
    done = run("taxonomy", "run", data, "--out", "run", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"midlevel: {message}")


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    done = run("taxonomy", "run", tmp_path, "--out", "run", cwd=tmp_path)
    assert done.returncode == 2
    assert "holds another project's data" in done.stderr
