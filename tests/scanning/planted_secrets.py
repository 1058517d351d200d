# ruff: noqa: E501, UP031  (a table reads better with one secret a line)
"""Secrets of as many kinds as there are, drawn at run time.

None stands in a file, and what they begin with is put together from pieces: no scanner of a hosting
site may take this repository for a leak.
"""

from __future__ import annotations

import base64
import json
import random
import string
from dataclasses import dataclass

_DRAWN = random.Random(20_24)
ALNUM = string.ascii_letters + string.digits
BASE64 = ALNUM + "+/"
URLSAFE = ALNUM + "-_"
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits


def drawn(count: int, letters: str = ALNUM) -> str:
    """As long as asked for; it has both letters and digits in it where these are among the letters."""
    both = any(map(str.isdigit, letters)) and any(map(str.isalpha, letters)) and count >= 12
    while True:
        found = "".join(_DRAWN.choice(letters) for _ in range(count))
        mixed = any(map(str.isdigit, found)) and any(map(str.isalpha, found))
        if len(set(found)) >= min(6, count // 2) and (mixed or not both):
            return found


def glued(*parts: str) -> str:
    return "".join(parts)


def basic(name: str, password: str) -> str:
    return base64.b64encode(f"{name}:{password}".encode()).decode()


@dataclass(frozen=True)
class Planted:
    """A secret in a file: ``value`` is what must not be told, ``line`` where it begins."""

    kind: str
    value: str
    content: str
    path: str = ""
    line: int = 1


TOKENS: dict[str, str] = {
    "AWS access key": glued("AK", "IA", drawn(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
    "AWS temporary key": glued("AS", "IA", drawn(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
    "Google API key": glued("AI", "za", drawn(35, URLSAFE)),
    "Google OAuth secret": glued("GOC", "SPX-", drawn(28, URLSAFE)),
    "Google OAuth token": glued("ya", "29.", drawn(60, URLSAFE)),
    "GitHub classic": glued("gh", "p_", drawn(36)),
    "GitHub app": glued("gh", "s_", drawn(36)),
    "GitHub fine-grained": glued("github", "_pat_", drawn(22), "_", drawn(59)),
    "GitLab": glued("gl", "pat-", drawn(20, URLSAFE[:-2])),
    "GitLab runner": glued("gl", "rt-", drawn(20)),
    "Slack bot": glued("xo", "xb-", drawn(12, string.digits), "-", drawn(12, string.digits), "-", drawn(24)),
    "Slack hook": glued("https://hooks.", "slack.com/services/", "T0", drawn(8, UPPER), "/B0", drawn(8, UPPER), "/", drawn(24)),
    "Stripe": glued("sk", "_live_", drawn(24)),
    "Stripe restricted": glued("rk", "_live_", drawn(24)),
    "OpenAI": glued("s", "k-", drawn(20), "T3Blbk", "FJ", drawn(20)),
    "OpenAI project": glued("s", "k-proj-", drawn(40), "_", drawn(24)),
    "Anthropic": glued("s", "k-ant-api03-", drawn(80, URLSAFE), "AA"),
    "Hugging Face": glued("h", "f_", drawn(34)),
    "W&B, new": glued("wandb", "_v1_", drawn(60)),
    "package index": glued("py", "pi-AgE", "IcHlwaS5vcmc", drawn(80, URLSAFE)),
    "npm": glued("np", "m_", drawn(36)),
    "Docker Hub": glued("dckr", "_pat_", drawn(27, URLSAFE)),
    "Twilio": glued("S", "K", drawn(32, HEX)),
    "SendGrid": glued("S", "G.", drawn(22, URLSAFE[:-2]), ".", drawn(43, URLSAFE[:-2])),
    "Telegram": glued(drawn(10, "123456789"), ":", "AA", drawn(33, ALNUM)),
    "Discord": glued("M", drawn(23), ".", drawn(6), ".", drawn(27)),
    "Discord hook": glued("https://discord", ".com/api/webhooks/", drawn(18, "123456789"), "/", drawn(68)),
    "Databricks": glued("da", "pi", drawn(32, HEX)),
    "JWT": glued("ey", "JhbGciOiJIUzI1NiJ9", ".ey", "J", drawn(40), ".", drawn(43, URLSAFE)),
    "DigitalOcean": glued("dop", "_v1_", drawn(64, HEX)),
    "Vault": glued("hv", "s.", drawn(90)),
    "Shopify": glued("shp", "at_", drawn(32, HEX)),
    "Replicate": glued("r", "8_", drawn(37)),
    "Groq": glued("gs", "k_", drawn(52)),
    "xAI": glued("xa", "i-", drawn(80)),
    "Perplexity": glued("pp", "lx-", drawn(48)),
    "Grafana": glued("gl", "sa_", drawn(32), "_", drawn(8, HEX)),
    "Square": glued("sq0", "csp-", drawn(43)),
    "Mailchimp": glued(drawn(32, HEX), "-u", "s12"),
    "Neptune": base64.b64encode(json.dumps({"api_address": "https://app.example.org", "api_key": drawn(36)}).encode()).decode(),
    "age": glued("AGE-SECRET", "-KEY-1", drawn(58, UPPER)),
    "Supabase": glued("sb", "p_", drawn(40, HEX)),
    "URL with a password": glued("postgresql://me:", "correct", "-horse@db.example.org/runs"),
    "URL with a token": glued("https://", drawn(32, HEX), "@example.org/simple"),
    "Azure SAS": glued("https://a.blob.example.net/c?sv=2022&se=2030&sp=r&si", "g=", drawn(43, ALNUM), "%3D"),
    "Azure storage": glued("DefaultEndpointsProtocol=https;AccountName=x;Account", "Key=", drawn(86, BASE64), "=="),
    "Azure bus": glued("Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccess", "Key=", drawn(43, BASE64), "="),
    "Azure client": glued(drawn(3), "8Q", "~", drawn(34)),
}  # fmt: skip
"""Known by their format, wherever they stand."""

_KEY = "\n".join(drawn(64, BASE64) for _ in range(6))
_PEM = glued("-----BEGIN ", "PRIVATE", " KEY-----\n", _KEY, "\n-----END ", "PRIVATE", " KEY-----\n")


def pem(kind: str) -> str:
    return _PEM.replace("PRIVATE", f"{kind} PRIVATE")


_A, _B, _C = drawn(40, HEX), drawn(40, BASE64), glued(drawn(10), "!7x")
FILES: tuple[Planted, ...] = (
    Planted("PEM key", _KEY[:64], _PEM, "id.pem"),
    Planted("RSA key", _KEY[:64], pem("RSA"), "id_rsa"),
    Planted("OpenSSH key", _KEY[:64], "# mine\n" + pem("OPENSSH"), "notes/id", 2),
    Planted("key in code", _KEY[:64], f'KEY = """{_PEM}"""\n', "a.py"),
    Planted("service account", _KEY[:64], json.dumps({"type": "service_account", "private_key": _PEM}, indent=1), "account.json", 3),
    Planted("service account id", _A, json.dumps({"private_key" + "_id": _A}), "account.json"),
    Planted("kube key", base64.b64encode(_PEM.encode()).decode()[:80], "users:\n- user:\n    client-key-data: " + base64.b64encode(_PEM.encode()).decode(), "kubeconfig", 3),
    Planted("kube secret", _C, f"env:\n- name: DB_PASSWORD\n  value: {_C}\n", "pod.yaml", 3),
    Planted("AWS file", _B, f"[default]\naws_secret_access_key = {_B}\n", ".aws/credentials", 2),
    Planted("AWS in code", _B, f'client(\n    aws_secret_access_key="{_B}",\n)', "a.py", 2),
    Planted("AWS in a shell", _B, f"export AWS_SECRET_ACCESS_KEY={_B}\n", "a.sh"),
    Planted("W&B login", _A, f"import wandb\nwandb.login(key='{_A}')\n", "a.py", 2),
    Planted("W&B in a shell", _A, f"wandb login {_A}\n", "run.sh"),
    Planted("W&B in a log", _A, f"x\nWANDB_API_KEY={_A}\n", "", 2),
    Planted("netrc", _A, f"machine api.wandb.ai\n  login user\n  password {_A}\n", ".netrc", 3),
    Planted("netrc elsewhere", _C, f"machine example.org login me password {_C}\n", "notes.txt"),
    Planted("pgpass", _C, f"# mine\nlocalhost:5432:db:me:{_C}\n", ".pgpass", 2),
    Planted("htpasswd", _C, f"me:{_C}\n", ".htpasswd"),
    Planted("Docker login", basic("me", _C), json.dumps({"auths": {"r": {"auth": basic("me", _C)}}}), "config.json"),
    Planted("Kaggle", _A[:32], json.dumps({"username": "me", "key": _A[:32]}), "kaggle.json"),
    Planted("npmrc", _A[:36], "//registry.example.org/:_auth" + f"Token={_A[:36]}\n", ".npmrc"),
    Planted("pypirc", _C, f"[index]\nusername = me\npassword = {_C}\n", ".pypirc", 3),
    Planted("header", _B.replace("/", "a").replace("+", "b"), "h = {'Authorization': 'Bearer %s'}" % _B.replace("/", "a").replace("+", "b"), "a.py"),
    Planted("curl", _C, f"curl -s -u me:{_C} https://example.org\n", "get.sh"),
    Planted("connection string", _C, f"Server=x;Database=y;Uid=me;Pwd={_C};\n", "notes.txt"),
    Planted("Mailgun", "key-" + _A[:32], f"MAILGUN = 'key-{_A[:32]}'\n", "a.py"),
    Planted("Cloudant", _A + _A[:24], f"cloudant_password = '{_A}{_A[:24]}'\n", "a.txt"),
    Planted("dotenv", _C, f"A=1\nexport DB_PASSWORD='{_C}'\n", ".env", 2),
    Planted("dotenv, a word", "swordfish", "A=1\nDB_PASSWORD=swordfish\n", ".env.local", 2),
    Planted("YAML", "correct-horse", "db:\n  password: correct-horse\n", "config.yaml", 2),
    Planted("YAML, a number", "31415926", "db:\n  password: 31415926\n", "config.yaml", 2),
    Planted("JSON", _C, json.dumps({"db": {"password": _C}}, indent=1), "config.json", 3),
    Planted("TOML", _C, f'[db]\npassword = "{_C}"\n', "config.toml", 2),
    Planted("INI", _C, f"[db]\npassword={_C}\n", "config.ini", 2),
    Planted("XML", _C, f"<a>\n<password>{_C}</password></a>\n", "pom.xml", 2),
    Planted("Python", _C, f'x = 1\ndb_password = "{_C}"\n', "a.py", 2),
    Planted("Python, environ", _B, f'os.environ["NEPTUNE_API_TOKEN"] = "{_B}"\n', "a.py"),
    Planted("Python, setdefault", _B, f'os.environ.setdefault("MY_API_KEY", "{_B}")\n', "a.py"),
    Planted("Snowflake", _C, f'connect(user="me", account="x", password="{_C}")\n', "a.py"),
    Planted("notebook", _A, json.dumps({"source": [f'api_key = "{_A}"\n']}), "a.ipynb"),
    Planted("shell option", _C, f"python train.py --db-password {_C} --epochs 3\n", "run.sh"),
    Planted("argparse's repr", _A, f"Namespace(lr=0.1, api_key='{_A}', epochs=3)\n", ""),
    Planted("printed dict", _C, "{'db': {'password': '%s'}}\n" % _C, ""),
    Planted("patch", _A, f"--- a/x.py\n+++ b/x.py\n@@ -1 +1,2 @@\n x\n+api_key = '{_A}'\n", "x.patch", 5),
    Planted("in colours", TOKENS["GitHub classic"], f"\x1b[31m{TOKENS['GitHub classic']}\x1b[0m\n", ""),
    Planted("escaped", TOKENS["GitHub classic"], json.dumps({"text": f"a\n{TOKENS['GitHub classic']}\n"}), "a.json"),
    Planted("camelCase", _B, f'{{"secretAccessKey": "{_B}"}}', "a.json"),
    Planted("typed", "swordfish", "password: Final[str] = 'swordfish'\n", "a.py"),
    Planted("next line", "swordfish", "db:\n  password: >-\n    swordfish\n", "a.yaml", 3),
    Planted("in a connection", "hunter2x", "connect('dbname=x password=hunter2x')\n", "a.py"),
    Planted("Dockerfile", "hunter2x", "FROM x\nENV DB_PASSWORD hunter2x\n", "Dockerfile", 2),
    Planted("SQL", "hunter2x", "CREATE USER x WITH PASSWORD 'hunter2x'\n", "a.sql"),
    Planted("XML attributes", _A[:12], f'<add key="ApiKey" value="{_A[:12]}"/>', "a.config"),
    Planted("sshpass", "hunter2x", "sshpass -p hunter2x ssh x\n", "a.sh"),
    Planted("docker login", "hunter2x", "docker login -u me -p hunter2x\n", "a.sh"),
    Planted("bare token", _A, f"export TOKEN={_A}\n", "a.sh"),
    Planted("a word in code", "swordfish", "connect(password='swordfish')\n", "a.py"),
    Planted("a word in a shell", "swordfish", "export DB_PASSWORD=swordfish\n", "a.sh"),
    Planted("words in code", "correct-horse", 'PASSWORD = "correct-horse"\n', "a.py"),
    Planted("quotes in quotes", "it's-me", 'password = "it\'s-me"\n', "a.py"),
    Planted("Django", "-insecure-8f$k2(x", "SECRET_KEY = 'django-insecure-8f$k2(x+m3n_4'\n", "settings.py"),
    Planted("short key", "abc123def456", 'API_KEY = "abc123def456"\n', "a.py"),
    Planted("short key in a log", "abc123def456", "api_key=abc123def456\n", ""),
    Planted("sequence", "1234567890abcdef", 'API_KEY = "1234567890abcdef"\n', "a.py"),
    Planted("AWS's example", "IOSFODNN7EXAMPLE", "x = '" + glued("AK", "IA", "IOSFODNN7EXAMPLE") + "'\n", "a.py"),
    Planted("AWS's example key", "wJalrXUtnFEMI", "aws_secret_access_key = " + glued("wJalrXUtnFEMI", "/K7MDENG/bPxRfiCY", "EXAMPLEKEY") + "\n", ".aws/credentials"),
    Planted("Heroku-like", _A[:8] + "-" + _A[8:12] + "-4" + _A[:3] + "-a" + _A[3:6] + "-" + _A[:12],
            f'API_KEY={_A[:8]}-{_A[8:12]}-4{_A[:3]}-a{_A[3:6]}-{_A[:12]}\n', ".env"),
)  # fmt: skip
"""Known by what stands around them."""

ENVIRONMENT: dict[str, str] = {
    "HF_TOKEN": "correct-horse",
    "WANDB_API_KEY": _A,
    "AWS_SECRET_ACCESS_KEY": _B,
    "DB_PASSWORD": "x1",
    "PGPASSWORD": "swordfish",
    "MYSQL_PWD": "swordfish",
    "DB_PASSWORD_PROD": "swordfish",
    "MY_SERVICE_TOKEN": "correct-horse",
    "CLIENT_SECRET": "correct-horse",
    "SECRET_KEY": "correct-horse",
    "SNOWFLAKE_PASSWORD": _C,
    "NEPTUNE_API_TOKEN": _B,
    "COMET_API_KEY": _A[:25],
    "MLFLOW_TRACKING_PASSWORD": "correct-horse",
    "MLFLOW_TRACKING_TOKEN": _A,
    "AZURE_CLIENT_SECRET": _C,
    "DATABRICKS_TOKEN": _A,
    "KAGGLE_KEY": _A[:32],
    "OPENAI_API_KEY": _A,
    "GITLAB_CI_TOKEN": _A[:20],
    "AZURE_STORAGE_CONNECTION_STRING": _C,
    "API_KEY_2": _A,
    "RAILS_SECRET_KEY_BASE": _A,
    "DOCKER_PASSWORD": "$ecret!1",
    "SSH_PASSPHRASE": "correct horse battery",
}
"""Known by the name of a variable, as are the next by that of a parameter."""

PARAMS: dict[str, str | int] = {
    "db.password": "correct-horse",
    "logging.wandb.api_key": _A,
    "wandb.key": _A,
    "s3.secretAccessKey": _B,
    "aws-secret-access-key": _B,
    "password": 31415926,
    "hub.token": "hunter2-hunter2",
    "openai.token": "correct-horse",
    "token": drawn(32),
    "smtp.pass": "swordfish",
}

ARGUMENTS: dict[tuple[str, ...], str] = {
    ("train", "--password", "hunter2"): "hunter2",
    ("train", "--password=hunter2"): "hunter2",
    ("train", "--db-password", "correct-horse"): "correct-horse",
    ("train", f"api_key={_A}"): _A,
    ("train", f"+wandb.api_key={_A}"): _A,
    ("train", "--api-key", "correct-horse"): "correct-horse",
    ("train", "--hf_token", "correct-horse"): "correct-horse",
    ("train", "--token", _A[:20]): _A[:20],
    ("sh", "-c", "API_KEY=correct-horse python train.py"): "correct-horse",
    ("sh", "-c", "python train.py --password hunter2 && x"): "hunter2",
    ("python", "-c", "go(password='hunter2')"): "hunter2",
    ("env", "WANDB_API_KEY=correct-horse", "train"): "correct-horse",
}
