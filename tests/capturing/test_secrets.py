"""Secrets that must not reach the disk, and what only looks like one.

Every value here is made up; they are put together from pieces, so that no scanner of repositories (and
no scan of repro's own) takes this file for a leak.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import string
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from repro.capturing import secrets
from repro.capturing.ingredients import Ingredients
from repro.config import Config
from repro.errors import SecretFound
from repro.manifest import Command, Param, Scalar
from repro.project import Project

DRAWN = random.Random(7)


def drawn(count: int, letters: str = string.ascii_letters + string.digits) -> str:
    return "".join(DRAWN.choice(letters) for _ in range(count))


def hexed(count: int) -> str:
    return drawn(count, "0123456789abcdef")


def scanned(
    workspace: Path,
    *argv: str,
    env: Mapping[str, str] | None = None,
    params: Mapping[str, Scalar] | None = None,
    changed: tuple[str, ...] = (),
    config: Config | None = None,
) -> None:
    """Demand that there is no secret in a run of this."""
    found = [Param("params.yaml", name, value) for name, value in (params or {}).items()]
    parts: Any = SimpleNamespace(
        command=Command(argv),
        env=dict(env or {}),
        params=tuple(found),
        source=SimpleNamespace(changed=changed),
    )
    project: Any = SimpleNamespace(workspace=workspace, config=config or Config())
    secrets.demand_none(cast(Ingredients, parts), cast(Project, project))


def caught(workspace: Path, *argv: str, value: str, **given: Any) -> str:
    """The message; it never has the value in it."""
    with pytest.raises(SecretFound) as error:
        scanned(workspace, *argv, **given)
    assert value not in f"{error.value} {error.value.hint}"
    return str(error.value)


PASSWORD = "correct-horse"

# --- secrets by their form ----------------------------------------------------------------------

FORMS = {
    "an AWS access key": "AKIA" + drawn(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "a GitHub token": "ghp_" + drawn(36),
    "a GitHub token, fine-grained": "github_pat_" + drawn(22) + "_" + drawn(59),
    "a GitLab token": "glpat-" + drawn(20),
    "a Hugging Face token": "hf_" + drawn(34, string.ascii_letters),
    "an OpenAI or Anthropic key": "sk-" + drawn(48),
    "an OpenAI or Anthropic key, of a project": "sk-proj-" + drawn(40) + "_" + drawn(20),
    "an OpenAI or Anthropic key, the latter": "sk-ant-api03-" + drawn(80) + "-" + drawn(8),
    "a Slack token": "xoxb-" + drawn(12, string.digits) + "-" + drawn(24),
    "a Slack webhook": "https://hooks.slack.com/services/T0123ABC/B0123ABC/" + drawn(24),
    "a Google API key": "AIza" + drawn(35),
    "a package index token": "pypi-AgEIcHlwaS5vcmc" + drawn(60),
    "an npm token": "npm_" + drawn(36),
    "a Docker Hub token": "dckr_pat_" + drawn(27),
    "a Stripe key": "sk_live_" + drawn(24),
    "an Azure key": "AccountName=x;AccountKey=" + drawn(86) + "==",
    "a signed token": f"eyJ{drawn(20)}.eyJ{drawn(40)}.{drawn(43)}",
    "a password in a URL": f"postgresql://me:{PASSWORD}@db.example.org/runs",
    "a password in a URL, without a user": f"redis://:{PASSWORD}@localhost:6379/0",
    "a password in a URL, with signs": "https://me:p$a" + ":s@s%21@example.org/simple",
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_secret_is_known_by_its_form_wherever_it_stands(tmp_path: Path, kind: str) -> None:
    value = FORMS[kind]
    expected = kind.partition(",")[0]
    assert f"command line: {expected} (" in caught(tmp_path, "train", f"--x={value}", value=value)
    assert f"command line: {expected} (" in caught(
        tmp_path, "sh", "-c", f"X='{value}' train", value=value
    )
    assert f"environment variable DATA_PLACE: {expected} (" in caught(
        tmp_path, env={"DATA_PLACE": value}, value=value
    )
    assert f"params params.yaml:a.b: {expected} (" in caught(
        tmp_path, params={"a.b": value}, value=value
    )
    (tmp_path / "new.py").write_text(f"import os\n\nx = '{value}'\n")
    assert f"untracked new.py:3: {expected} (" in caught(
        tmp_path, changed=("?? new.py",), value=value
    )


@pytest.mark.parametrize("kind", ["RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED "])
def test_a_private_key_is_known_by_its_first_line(tmp_path: Path, kind: str) -> None:
    key = f"-----BEGIN {kind}PRIVATE KEY-----\n{drawn(64)}\n"
    (tmp_path / "id").write_text(key)
    (tmp_path / "account.json").write_text(json.dumps({"type": "x", "private_key": key}, indent=1))
    message = caught(tmp_path, changed=("A id", "M account.json"), value=key.splitlines()[1])
    assert "changed id:1: a private key (" in message
    assert "changed account.json:3: a private key (" in message


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        (
            "aws.ini",
            "[default]\naws_secret_access_key = {}\n",
            "untracked aws.ini:2: a secret by its name, aws_secret",
        ),
        (
            ".netrc",
            "machine api.wandb.ai\n  login user\n" + "  password {}\n",
            "untracked .netrc:3: ",
        ),
        (
            "log.py",
            "import wandb\nwandb.login(key='{}')\n",
            "untracked log.py:2: a Weights & Biases key",
        ),
        ("call.py", "h = {{'Authorization': 'Bearer {}'}}\n", "untracked call.py:1: "),
    ],
)
def test_a_secret_is_known_by_what_stands_around_it(
    tmp_path: Path, name: str, content: str, place: str
) -> None:
    value = hexed(40)
    (tmp_path / name).write_text(content.format(value))
    assert place in caught(tmp_path, changed=(f"?? {name}",), value=value)


def test_a_key_of_kaggle_is_known(tmp_path: Path) -> None:
    value = hexed(32)
    (tmp_path / "kaggle.json").write_text(json.dumps({"username": "me", "key": value}))
    assert "untracked kaggle.json:1: " in caught(tmp_path, changed=("?? kaggle.json",), value=value)


# --- secrets by the name that they are given ----------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (("train", "--password", PASSWORD), "password"),
        (("train", f"--password={PASSWORD}"), "password"),
        (("train", f"-password={PASSWORD}"), "password"),
        (("train", "--db-password", PASSWORD, "--epochs", "3"), "db-password"),
        (("train", f"api_key={PASSWORD}"), "api_key"),
        (("train", f"+wandb.api_key={PASSWORD}"), "wandb.api_key"),
        (("train", "--api-key", PASSWORD), "api-key"),
        (("train", "--apiKey", PASSWORD), "apiKey"),
        (("train", "--hf_token", PASSWORD), "hf_token"),
        (("train", "--client-secret", PASSWORD), "client-secret"),
        (("train", "--token", "9f8e7d6c5b4a39281706"), "token"),
        (("sh", "-c", f"API_KEY={PASSWORD} python train.py"), "API_KEY"),
        (("sh", "-c", f"A=1 API_KEY='{PASSWORD}' python train.py"), "API_KEY"),
        (("sh", "-c", f"python train.py --password {PASSWORD} && x"), "password"),
        (("sh", "-c", f"python train.py --password={PASSWORD}"), "password"),
        (("python", "-c", f"go(password='{PASSWORD}')"), "password"),
        (("python", "-c", f'go({{"api_key": "{PASSWORD}"}})'), "api_key"),
        (("env", f"WANDB_API_KEY={PASSWORD}", "train"), "WANDB_API_KEY"),
    ],
)
def test_a_value_in_the_command_is_known_by_its_name(
    tmp_path: Path, argv: tuple[str, ...], name: str
) -> None:
    value = argv[-1] if "token" in argv[-2] else PASSWORD
    message = caught(tmp_path, *argv, value=value)
    assert f"command line: a secret by its name, {name} (" in message


@pytest.mark.parametrize("value", ["q7", "hunter2", "1234"])
def test_a_password_may_be_short(tmp_path: Path, value: str) -> None:
    with pytest.raises(SecretFound, match="command line: a secret by its name, password"):
        scanned(tmp_path, "train", "--password", value)


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWORD",
        "DB_PASSWORD", "MYSQL_PWD", "DB_PASS", "SECRET_KEY", "CLIENT_SECRET", "NEPTUNE_API_TOKEN",
        "OPENAI_KEY", "TOKEN", "MY_SERVICE_TOKEN", "AZURE_STORAGE_CONNECTION_STRING", "apiKey",
    ],
)  # fmt: skip
def test_a_variable_that_is_let_through_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    message = caught(tmp_path, env={name: PASSWORD}, value=PASSWORD)
    assert f"environment variable {name}: a secret by its name, {name} (" in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("db.password", PASSWORD),
        ("logging.wandb.api_key", PASSWORD),
        ("aws-secret-access-key", PASSWORD),
        ("s3.secretAccessKey", PASSWORD),
        ("password", 31415926),
        ("token", hexed(30) + "a1"),
    ],
)
def test_a_parameter_is_known_by_its_name(tmp_path: Path, name: str, value: Scalar) -> None:
    message = caught(tmp_path, params={name: value}, value=str(value))
    assert f"params params.yaml:{name}: a secret by its name" in message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".env", f"# mine\nDB_PASSWORD={PASSWORD}\n"),
        (".env.local", f"A=1\nexport API_KEY='{PASSWORD}'\n"),
        ("train.env", f"A=1\nHF_TOKEN={PASSWORD}\n"),
        (".streamlit/secrets.toml", f'[db]\npassword = "{PASSWORD}"\n'),
        ("secrets.yaml", f"db:\n  password: {PASSWORD}\n"),
        (".pypirc", f"[pypi]\npassword = {PASSWORD}\n"),
    ],
)
def test_a_file_that_people_keep_secrets_in_is_read_line_by_line(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    message = caught(tmp_path, changed=(f"?? {name}",), value=PASSWORD)
    assert f"untracked {name}:2: " in message


def test_a_file_of_passwords_is_one(tmp_path: Path) -> None:
    (tmp_path / ".pgpass").write_text(f"localhost:5432:db:me:{PASSWORD}\n")
    assert "untracked .pgpass:1: " in caught(tmp_path, changed=("?? .pgpass",), value=PASSWORD)


def test_a_random_text_in_code_is_known_by_its_name(tmp_path: Path) -> None:
    value = hexed(28) + "e5f6"
    (tmp_path / "a.py").write_text(f'import x\nAPI_KEY = "{value}"\n')
    (tmp_path / "b.json").write_text(json.dumps({"secretKey": value}))
    message = caught(tmp_path, changed=("M a.py", "?? b.json"), value=value)
    assert "changed a.py:2: " in message and "untracked b.json:1: " in message


# --- where it is looked for ---------------------------------------------------------------------

TOKEN = FORMS["a GitHub token"]


@pytest.mark.parametrize("kind", ["??", "A", "M", "T"])
def test_every_changed_file_is_searched(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a b.py").write_text(TOKEN)
    assert "a b.py:1" in caught(tmp_path, changed=(f"{kind} a b.py",), value=TOKEN)


def test_deleted_files_and_files_that_are_gone_are_not(tmp_path: Path) -> None:
    (tmp_path / "again.py").write_text(TOKEN)
    (tmp_path / "folder").mkdir()
    scanned(tmp_path, changed=("D again.py", "?? gone.py", "?? folder"))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text(TOKEN)
    (tmp_path / "link").symlink_to("outside")
    scanned(tmp_path, changed=("?? link",))


def test_a_notebook_with_large_pictures_is_searched_to_its_end(tmp_path: Path) -> None:
    picture = base64.b64encode(random.Random(1).randbytes(6_000_000)).decode()
    (tmp_path / "a.ipynb").write_text(f'{{"image/png": "{picture}",\n"source": "{TOKEN}"}}')
    started = time.process_time()
    assert "a.ipynb:2" in caught(tmp_path, changed=("?? a.ipynb",), value=TOKEN)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_a_file_of_any_encoding_is_searched(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(f"é\n{TOKEN}\n".encode(encoding))
    assert "a.txt:2" in caught(tmp_path, changed=("?? a.txt",), value=TOKEN)


def test_a_small_file_that_is_no_text_is_searched(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"\0\x80" + TOKEN.encode() + b"\0")
    assert "a.pkl:1" in caught(tmp_path, changed=("?? a.pkl",), value=TOKEN)


def test_a_name_that_is_no_utf8_and_half_a_character_are_no_crash(tmp_path: Path) -> None:
    scanned(tmp_path, "train", "\udcff", env={"LANG": "\udcff"}, params={"a": "\ud800"})


def test_each_value_is_named_once_and_the_first_five_of_many(tmp_path: Path) -> None:
    tokens = ["ghp_" + drawn(36) for _ in range(8)]
    (tmp_path / "a.py").write_text("\n".join([*tokens, *tokens]))
    message = caught(tmp_path, changed=("?? a.py",), value=tokens[0])
    assert message.count("a GitHub token") == 5
    assert message.endswith(" and 3 more")


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"x = '{TOKEN}'\n")
    message = caught(tmp_path, changed=("?? a.py",), value=TOKEN)
    (mark,) = re.findall(r"\(([0-9a-f]{12})\)", message)
    for allowed in ((mark,), ("a.py",), ("untracked *.py",)):
        scanned(tmp_path, changed=("?? a.py",), config=Config(allowed_secrets=allowed))
    with pytest.raises(SecretFound):
        scanned(tmp_path, changed=("?? a.py",), config=Config(allowed_secrets=("b.py",)))


def test_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(SecretFound) as error:
        scanned(tmp_path, "train", f"--password={PASSWORD}")
    assert "--allow-secrets" in error.value.hint


# --- what is no secret --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        ("train", "--use_cls_token"),
        ("train", "--use-cls-token", "true"),
        ("train", "max_tokens=512"),
        ("train", "--max-tokens", "512"),
        ("train", "--max_token", "9f8e7d6c5b4a39281706"),
        ("train", "--token-dropout", "0.1"),
        ("train", "--token_embedding", "true"),
        ("train", "--tokenizer", "bert-base-uncased"),
        ("train", "--tokenizer=sentencepiece-v0.1.99-large"),
        ("train", "--token", "bert-base-uncased-v2-finetuned"),
        ("train", "--pad-token", "<|endoftext|>"),
        ("train", "model.cls_token=[CLASSIFICATION]"),
        ("train", "--data", "secret_santa.csv"),
        ("train", "--mode", "password", "data/a-long-file-name.csv"),
        ("train", "password", "correct-horse-battery"),
        ("train", "--load", "password_reset_model.pkl"),
        ("train", "--ask-password", "train-data.csv"),
        ("train", "--no-password", "--verbose"),
        ("train", "--password", "--verbose"),
        ("train", "--password-file", "secrets/password.txt"),
        ("train", "--api-key-env", "WANDB_API_KEY"),
        ("train", "--api-key", "$WANDB_API_KEY"),
        ("train", "--api-key", "/run/secrets/key"),
        ("train", "--api-key="),
        ("sh", "-c", "python train.py --api-key $KEY --password ${PASSWORD}"),
        ("python", "-c", "import os; api_key = os.environ['API_KEY']; password = get_password()"),
        ("python", "-c", "go(password=settings.db.password, token=token)"),
        ("train", "--commit", hashlib.sha1(b"a").hexdigest()),
        ("train", "--checksum", "sha256:" + hashlib.sha256(b"a").hexdigest()),
        ("train", "--repo", "https://user@host/repo.git"),
        ("train", "--repo", "git@github.com:owner/repo.git"),
        ("train", "--url", "http://localhost:8888/lab?a=b@c"),
        ("train", "--out", "runs/sk-learn-random-forest-baseline-experiment-v2"),
        ("train", "--key", "sort-by-name-and-date"),
        ("train", "--n-pass", "two-pass-training", "--first_pass=coarse-to-fine"),
        ("train", "--secret", "true"),
    ],
)  # fmt: skip
def test_an_innocent_command_passes(tmp_path: Path, argv: tuple[str, ...]) -> None:
    scanned(tmp_path, *argv)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model.use_cls_token", True),
        ("token_embedding", True),
        ("tokenizer", "bert-base-uncased"),
        ("tokenizer.pad_token", "<|endoftext|>"),
        ("tokenizer.mask_token", "[MASK-OF-THIS-MODEL-1234567]"),
        ("generation.max_tokens", 512),
        ("num_tokens", 1_000_000_000),
        ("token", "classification-head"),
        ("secret_santa", "data/secret_santa.csv"),
        ("sort_key", "length-of-the-sequence"),
        ("api_key", None),
        ("api_key", "${oc.env:WANDB_API_KEY}"),
        ("password", ""),
        ("data.url", "s3://bucket/key?versionId=abc"),
        ("data.md5", hashlib.md5(b"a").hexdigest()),
        ("revision", hashlib.sha1(b"a").hexdigest()),
        ("vision.patch_token", "learned-from-position"),
    ],
)  # fmt: skip
def test_an_innocent_parameter_passes(tmp_path: Path, name: str, value: Scalar) -> None:
    scanned(tmp_path, params={name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OMP_NUM_THREADS", "4"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("PYTHONPATH", "/home/me/src:/opt/lib"),
        ("MAX_TOKENS", "512"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/key.json"),
        ("WANDB_API_KEY", ""),
        ("PWD", "/home/me"),
        ("OLDPWD", "/home"),
        ("DATA_VERSION", hashlib.sha1(b"b").hexdigest()),
    ],
)
def test_an_innocent_variable_passes(tmp_path: Path, name: str, value: str) -> None:
    scanned(tmp_path, env={name: value})


LOCK = "\n".join(
    f"package{at}==1.0 \\\n    --hash=sha256:{hashlib.sha256(bytes([at])).hexdigest()}"
    for at in range(40)
)
INNOCENT_FILES = {
    "requirements.lock": LOCK,
    "uv.lock": 'sdist = { url = "https://host/a.tar.gz", hash = "sha256:' + hexed(64) + '" }',
    "pic.svg": f"<image href='data:image/png;base64,{drawn(5000)}+/=='/>",
    "commits.txt": "\n".join(hexed(40) for _ in range(100)),
    "tables.json": json.dumps([{"token": hexed(32), "sample_token": hexed(32)}]),
    "vocab.json": json.dumps({"token": "##ing", "unk_token": "<unk>", "cls_token": "[CLS]"}),
    "model.py": "self.token_embedding = nn.Embedding(n_tokens, dim)\nsecret_santa = 3\n",
    "auth.py": "password = os.environ['DB_PASSWORD']\napi_key = settings.api_key\n",
    "url.py": "url = f'https://{user}:{password}@{host}/'\nother = 'https://me:${TOKEN}@host/'\n",
    "url.sh": "git clone https://oauth2:$TOKEN@host/a.git\ncurl http://localhost:8080/a@b\n",
    "README.md": "https://user@host/repo.git, http://user:***@host/, https://USER:PASSWORD@HOST/\n",
    "kafka.yaml": "servers: kafka://a:9092,b:9092 # ask me@example.org\n",
    "page.html": "<div class='sk-top-container sk-estimator-doc-link-and-a-very-long-class-name'>",
    ".env": "DB_HOST=localhost\nMAX_TOKENS=512\nDB_PASSWORD=${FROM_ELSEWHERE}\n",
    ".env.example": "DB_PASSWORD=change-me\n",
    "use_cls_token.py": "use_cls_token = True\nmax_tokens = 512\n",
    "password_reset_model.py": "class PasswordReset:\n    password: str = ''\n",
    "weak.py": 'password = "password"\nsecret = "this-is-a-placeholder-text"\n',
    "public.pem": f"-----BEGIN PUBLIC KEY-----\n{drawn(64)}\n-----END PUBLIC KEY-----\n",
    "cert.pem": f"-----BEGIN CERTIFICATE-----\n{drawn(64)}\n-----END CERTIFICATE-----\n",
    "ids.csv": "id,name\n" + "\n".join(f"{hexed(8)}-{hexed(4)}-{hexed(4)},a" for _ in range(50)),
}


@pytest.mark.parametrize("name", INNOCENT_FILES)
def test_an_innocent_file_passes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(INNOCENT_FILES[name])
    scanned(tmp_path, changed=(f"?? {name}",))


def test_random_bytes_pass(tmp_path: Path) -> None:
    content = random.Random(3).randbytes(1_500_000)
    (tmp_path / "model.bin").write_bytes(content)
    (tmp_path / "model.b64").write_bytes(base64.b64encode(content))
    (tmp_path / "model.url").write_bytes(base64.urlsafe_b64encode(content))
    scanned(tmp_path, changed=("?? model.bin", "?? model.b64", "?? model.url"))


def test_the_project_itself_passes() -> None:
    """Real code of some size, in which nobody hides anything."""
    top = Path(secrets.__file__).parents[2]
    names = [path.relative_to(top).as_posix() for path in top.glob("repro/**/*.py")]
    assert len(names) > 100
    scanned(top, changed=tuple(f"?? {name}" for name in names))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("api_key", True), ("API-KEY", True), ("dbPassword", True), ("access_token", True),
        ("token", True), ("tokens", False), ("max_tokens", False), ("pad_token", False),
        ("key", False), ("public_key", False), ("monkey", False), ("passage", False),
        ("compass", False), ("bypass", False), ("pwd", False), ("secretary", False),
        ("use_token", False), ("", False),
    ],
)  # fmt: skip
def test_a_name_tells_a_secret(name: str, answer: bool) -> None:
    assert secrets.looks_secret(name) is answer
