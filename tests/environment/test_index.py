"""Where a host gets packages from: pip's and uv's settings as one set of variables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repro import process
from repro.environment import project_index
from repro.environment.index import PackageSources, local_path, sources, without_credentials


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A host without any settings, but for what lies in /etc where a test reads pip's files."""
    return {"HOME": str(tmp_path / "home"), "PIP_CONFIG_FILE": os.devnull}


def pip_conf(tmp_path: Path, env: dict[str, str], text: str, *, user: bool = False) -> None:
    path = tmp_path / "home" / ".config" / "pip" / "pip.conf" if user else tmp_path / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    env["PIP_CONFIG_FILE"] = "" if user else str(path)


def test_nothing_set_leaves_the_default_index(env: dict[str, str]) -> None:
    found = sources(env)
    assert found == PackageSources({"UV_INDEX_STRATEGY": "unsafe-best-match"})


def test_pip_variables(env: dict[str, str]) -> None:
    env |= {
        "PIP_INDEX_URL": "https://one.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://two.example/simple https://three.example/simple",
        "PIP_TRUSTED_HOST": "one.example",
        "PIP_DEFAULT_TIMEOUT": "77",
    }
    told = sources(env).env
    assert told["UV_DEFAULT_INDEX"] == "https://one.example/simple"
    assert told["UV_INDEX"] == "https://two.example/simple https://three.example/simple"
    assert told["UV_INSECURE_HOST"] == "one.example"
    assert told["UV_HTTP_TIMEOUT"] == "77"


def test_a_pip_file_with_lines_and_its_precedence(env: dict[str, str], tmp_path: Path) -> None:
    pip_conf(
        tmp_path,
        env,
        "[global]\nextra-index-url =\n    https://a.example\n    https://b.example\n"
        "find_links = /nowhere\n[install]\nindex-url = https://install.example\n",
    )
    told = sources(env).env
    assert told["UV_INDEX"] == "https://a.example https://b.example"
    assert told["UV_DEFAULT_INDEX"] == "https://install.example"
    assert told["UV_FIND_LINKS"] == "/nowhere"
    # a variable replaces the whole value of the file
    told = sources({**env, "PIP_EXTRA_INDEX_URL": "https://c.example"}).env
    assert told["UV_INDEX"] == "https://c.example"


def test_the_users_file_is_read(env: dict[str, str], tmp_path: Path) -> None:
    pip_conf(tmp_path, env, "[global]\nindex-url = https://user.example\n", user=True)
    assert sources(env).env["UV_DEFAULT_INDEX"] == "https://user.example"


def test_the_file_of_the_environment_is_read(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "pip.conf").write_text("[global]\nindex-url = https://venv.example\n")
    env["PIP_CONFIG_FILE"] = ""
    found = sources(env, str(tmp_path / "venv"))
    assert found.env["UV_DEFAULT_INDEX"] == "https://venv.example"


def test_a_damaged_file_is_no_harm(env: dict[str, str], tmp_path: Path) -> None:
    pip_conf(tmp_path, env, "index-url = no section\n")
    assert "UV_DEFAULT_INDEX" not in sources(env).env


def test_what_uv_is_told_goes_before_what_pip_is_told(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "home" / ".config" / "uv").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "uv" / "uv.toml").write_text(
        "[[index]]\nname='own'\nurl='https://own.example/simple'\n"
        "[[index]]\nurl='https://default.example/simple'\ndefault=true\n"
    )
    env |= {"PIP_INDEX_URL": "https://pip.example", "PIP_EXTRA_INDEX_URL": "https://extra.example"}
    told = sources(env).env
    assert told["UV_DEFAULT_INDEX"] == "https://default.example/simple"
    assert told["UV_INDEX"] == "own=https://own.example/simple https://extra.example"
    env["UV_DEFAULT_INDEX"] = "https://variable.example"
    assert sources(env).env["UV_DEFAULT_INDEX"] == "https://variable.example"


def test_local_folders_are_mounted_with_the_files_they_link_to(
    env: dict[str, str], tmp_path: Path
) -> None:
    index, wheels = tmp_path / "mirror" / "simple", tmp_path / "wheels"
    for folder in (index, wheels):
        folder.mkdir(parents=True)
    env |= {
        "PIP_EXTRA_INDEX_URL": f"{index.as_uri()} https://remote.example",
        "PIP_FIND_LINKS": f"{wheels} /not/there https://links.example",
    }
    found = sources(env)
    assert found.mounts == (tmp_path / "mirror", wheels)
    assert found.folders == (wheels, Path("/not/there"))
    assert found.local == (index.as_uri(), str(wheels), "/not/there")
    elsewhere = found.elsewhere
    assert elsewhere.env["UV_INDEX"] == "https://remote.example"
    assert elsewhere.env["UV_FIND_LINKS"] == "https://links.example"
    assert elsewhere.mounts == ()


def test_a_default_index_on_this_disk_leaves_nothing_elsewhere(
    env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "simple").mkdir()
    env["PIP_INDEX_URL"] = (tmp_path / "simple").as_uri()
    assert sources(env).elsewhere.env["UV_NO_INDEX"] == "1"


def test_certificates_and_proxies(env: dict[str, str], tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    env |= {
        "SSL_CERT_FILE": "/not/there.pem",
        "REQUESTS_CA_BUNDLE": str(bundle),
        "https_proxy": "http://u:p@proxy.example:3128",
        "NO_PROXY": "localhost",
    }
    found = sources(env)
    assert found.ca_bundle == bundle
    assert found.env["SSL_CERT_FILE"] == str(bundle)
    assert found.env["https_proxy"] == "http://u:p@proxy.example:3128"
    assert found.env["NO_PROXY"] == "localhost"
    env["PIP_PROXY"] = "proxy.example:8080"
    assert sources(env).env["HTTPS_PROXY"] == "http://proxy.example:8080"


def test_credentials_are_used_and_never_shown(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".netrc").touch()
    env |= {
        "PIP_INDEX_URL": "https://user:secret@one.example/simple",
        "UV_INDEX_OWN_PASSWORD": "hidden",
    }
    found = sources(env)
    assert found.env["UV_DEFAULT_INDEX"] == "https://user:secret@one.example/simple"
    assert found.env["UV_INDEX_OWN_PASSWORD"] == "hidden"
    assert found.env["NETRC"] == str(tmp_path / "home" / ".netrc")
    assert tmp_path / "home" / ".netrc" in found.mounts
    assert "secret" not in repr(found)
    assert "hidden" not in repr(found)


def test_without_credentials() -> None:
    said = "error: `https://u:p@h.example/x` and file:///opt/x and a@b"
    assert without_credentials(said) == "error: `https://h.example/x` and file:///opt/x and a@b"


def test_an_index_that_does_not_answer_can_be_left_out(env: dict[str, str]) -> None:
    env["UV_INDEX"] = "own=https://u:p@down.example/simple https://up.example/simple"
    found = sources(env)
    fewer = found.without("Failed to fetch: `https://down.example/simple/six/`")
    assert fewer is not None
    assert fewer.env["UV_INDEX"] == "https://up.example/simple"
    assert found.without("Failed to fetch: `https://other.example/six/`") is None


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("file:///opt/my%20wheels", "/opt/my wheels"),
        ("/opt/wheels", "/opt/wheels"),
        ("own=file:///opt/x", "/opt/x"),
        ("https://h/simple", None),
        ("own=https://h/simple", None),
    ],
)
def test_local_path(address: str, path: str | None) -> None:
    assert local_path(address) == (Path(path) if path else None)


def test_the_settings_of_this_machine_let_uv_work() -> None:
    import uv

    found = sources(os.environ)
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **found.env}
    process.run([uv.find_uv_bin(), "pip", "compile", "--offline", "-q", "-"], env=env, stdin=b"")


# --- what a project names itself --------------------------------------------------------------


def test_project_files(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[[tool.uv.index]]\nname='torch'\nurl='https://uv.example/cpu'\nexplicit=true\n"
        "[[tool.uv.index]]\nurl='wheels'\nformat='flat'\n"
        "[[tool.poetry.source]]\nname='p'\nurl='https://poetry.example'\n"
        "[[tool.pdm.source]]\nname='f'\nurl='https://links.example'\ntype='find_links'\n"
    )
    (tmp_path / "Pipfile").write_text(
        "[[source]]\nurl='https://pypi.example/simple'\nname='pypi'\n"
    )
    (tmp_path / "requirements.txt").write_text(
        "--extra-index-url https://torch.example/cu118\n-f ./dist\ntorch==2.0\n"
    )
    found = project_index.read(tmp_path)
    assert found.indexes == (
        "https://poetry.example",
        "https://pypi.example/simple",
        "https://uv.example/cpu",
        "https://torch.example/cu118",
    )
    assert found.links == (
        "https://links.example",
        str(tmp_path / "wheels"),
        str(tmp_path / "dist"),
    )


def test_a_projects_indexes_come_last_and_the_public_one_is_no_extra(
    env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "Pipfile").write_text(
        "[[source]]\nurl='https://pypi.example/simple'\nname='pypi'\n"
    )
    (tmp_path / "requirements.txt").write_text("--extra-index-url https://torch.example\n")
    env["PIP_EXTRA_INDEX_URL"] = "https://pip.example"
    found = sources(env, projects=[tmp_path])
    assert found.env["UV_INDEX"] == "https://pip.example https://torch.example"


def test_damaged_project_files_are_no_harm(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "Pipfile", "uv.toml"):
        (tmp_path / name).write_text("[[[")
    assert project_index.read(tmp_path) == project_index.Named()
