"""Environment variables that code asks for, and what is said of those that are set and not recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import Project

from repro.capturing import variables

ASKING = {
    "a.py": ('os.environ["A"]\nos.environ.get(\'B\', "x")\nos.getenv("C")\nenviron.pop("D")', "ABCD"),
    "b.ipynb": ('{"source": ["os.environ[\\"E\\"]", "os.getenv(\'F\')"]}', "EF"),
    "c.sh": ("echo $G ${H:-x} \"${I}\" $1 $$ $?", "GHI"),
    "Makefile": ("train:\n\tpython train.py --data $(J) ${K} $@ $<", "JK"),
    "d.R": ('Sys.getenv("L")', "L"),
    "e.yaml": ("data: ${oc.env:M}\nother: ${N}\nplain: $O", "MN"),
    "f.txt": ('os.environ["P"]', ""),
    "g.py": ("os.environ[name]\nenvironment['Q']\n\xff\x00", ""),
}  # fmt: skip


THROUGH_LIBRARIES = {
    "click": ('@click.option("--lr", envvar="LR")\nmain(auto_envvar_prefix="FIT")', {"LR", "FIT_*"}),
    "dynaconf": ('settings = Dynaconf(envvar_prefix="APP")', {"APP_*"}),
    "dynaconf's own": ("settings = Dynaconf(files)", {"DYNACONF_*"}),
    "environs": ('env = Env()\nenv.int("DEPTH")\nenv("SEED")', {"DEPTH", "SEED"}),
    "decouple": ('config("DEPTH", cast=int)\nconfig("lower")', {"DEPTH"}),
    "pydantic": ("class S(BaseSettings):\n    depth: int = 3\n\n    rate: x", {"depth", "DEPTH", "rate", "RATE"}),
    "pydantic with a prefix": (
        'class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="fit_")\n    depth: int',
        {"fit_*", "FIT_*"},
    ),
    "none of them": ("class S(BaseModel):\n    depth: int\nenvironment('X')", set()),
}  # fmt: skip


@pytest.mark.parametrize("name", THROUGH_LIBRARIES)
def test_names_that_libraries_ask_for(name: str, tmp_path: Path) -> None:
    text, expected = THROUGH_LIBRARIES[name]
    (tmp_path / "a.py").write_text(text)
    assert variables.asked(tmp_path, ["a.py"]) == expected


@pytest.mark.parametrize("name", ASKING)
def test_names_in_a_file(name: str, tmp_path: Path) -> None:
    text, expected = ASKING[name]
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    assert variables.asked(tmp_path, [name]) == set(expected)


def test_what_cannot_be_read_asks_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "large.py").write_text('os.environ["A"]\n' + "#" * variables.LARGEST)
    assert variables.asked(tmp_path, ["lost.py", "folder.py", "large.py"]) == frozenset()


def test_names_in_a_line() -> None:
    assert variables.asked_by_line("python train.py --data $DATA_DIR/${PART} && x") == {
        "DATA_DIR",
        "PART",
    }


def test_a_variable_that_is_set_and_not_recorded_is_named(project: Project) -> None:
    project.write(
        "train.py",
        "import os\nopen('m.json', 'w').write('{\"a\": 1}')\n"
        "os.environ.get('DATA_PART'), os.environ.get('UNSET_HERE'), os.getenv('API_TOKEN')\n"
        "os.getenv('OMP_NUM_THREADS'), os.environ['HOME']\n",
    )
    project.write("unused.py", "import os; os.getenv('PORT')")
    project.commit()
    env = {"DATA_PART": "3", "API_TOKEN": "x", "PORT": "1", "OMP_NUM_THREADS": "1"}
    run = project.record("python", "train.py", env=env)
    said = [item for item in run["manifest"]["findings"] if item["subject"] == "env"]
    assert [item["severity"] for item in said] == ["risks", "note"]
    assert "DATA_PART, which is set here" in said[0]["message"] and "PORT" not in said[0]["message"]
    assert said[0]["remedy"].endswith("env: [DATA_PART]")
    assert "API_TOKEN" in said[1]["message"]
    project.write("repro.yaml", "env: [DATA_PART]\n")
    run = project.record("sh", "-c", "python train.py $SHELL_PART", env={**env, "SHELL_PART": "1"})
    said = [item for item in run["manifest"]["findings"] if item["subject"] == "env"]
    assert "SHELL_PART, which is set here" in said[0]["message"]
    assert run["manifest"]["definition"]["env"]["DATA_PART"] == "3"


def test_an_address_with_a_password_goes_nowhere_unasked(project: Project) -> None:
    env = {"MLFLOW_TRACKING_URI": "http://me:word@127.0.0.1:9", "MLFLOW_EXPERIMENT_NAME": "a"}
    run = project.record("python", "train.py", env=env)
    assert run["manifest"]["definition"]["env"]["MLFLOW_EXPERIMENT_NAME"] == "a"
    assert "MLFLOW_TRACKING_URI" not in run["manifest"]["definition"]["env"]
