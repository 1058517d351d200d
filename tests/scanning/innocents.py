# ruff: noqa: E501  (a table reads better with one file a line)
"""What only looks like a secret: real shapes of files, names and values that must pass."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import uuid

_DRAWN = random.Random(11)


def digest(text: str, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, text.encode()).hexdigest()


_IMAGE = base64.b64encode(_DRAWN.randbytes(60_000)).decode()
_SRI = base64.b64encode(hashlib.sha512(b"a").digest()).decode()
_UUID = str(uuid.UUID(bytes=_DRAWN.randbytes(16), version=4))

FILES: dict[str, str] = {
    "requirements.lock": "\n".join(f"p{at}==1.0 \\\n    --hash=sha256:{digest(str(at))}" for at in range(40)),
    "uv.lock": f'sdist = {{ url = "https://files.example.org/{digest("a")}/a.tar.gz", hash = "sha256:{digest("b")}" }}',
    "poetry.lock": f'content-hash = "{digest("a")}"\nfiles = [\n    {{file = "a.whl", hash = "sha256:{digest("c")}"}},\n]',
    "package-lock.json": json.dumps({"node_modules/a": {"integrity": f"sha512-{_SRI}", "resolved": "https://x.example.org/a.tgz"}}),
    "conda-lock.yml": f"- name: a\n  hash:\n    md5: {digest('a', 'md5')}\n    sha256: {digest('a')}\n",
    "dvc.lock": f"outs:\n- path: data\n  md5: {digest('a', 'md5')}.dir\n  size: 12345678\n",
    "picture.svg": f"<image href='data:image/png;base64,{_IMAGE}'/>",
    "notebook.ipynb": json.dumps({"outputs": [{"data": {"image/png": _IMAGE}}], "cell_id": digest("x", "md5")[:8]}),
    "wrapped.txt": "\n".join(_IMAGE[at : at + 76] for at in range(0, len(_IMAGE), 76)),
    "urlsafe.txt": base64.urlsafe_b64encode(_DRAWN.randbytes(60_000)).decode(),
    "hex.txt": _DRAWN.randbytes(30_000).hex(),
    "commits.txt": "\n".join(digest(str(at), "sha1") for at in range(200)),
    "git.log": f"commit {digest('q', 'sha1')}\nMerge: 1234567 89abcde\nAuthor: Me <me@example.org>\n",
    "x.patch": f"diff --git a/a.py b/a.py\nindex {digest('a', 'sha1')[:7]}..{digest('b', 'sha1')[:7]} 100644\n-use_cls_token = 1\n+use_cls_token = 0\n",
    "ids.csv": "id,name\n" + "\n".join(str(uuid.UUID(bytes=_DRAWN.randbytes(16))) + ",a" for _ in range(50)),
    "tables.json": json.dumps([{"token": digest(str(at), "md5"), "sample_token": digest(str(at), "md5")} for at in range(20)]),
    "vocab.json": json.dumps({"password": 28712, "secret": 4423, "token": 30001, "Ġkey": 1994, "api": 15042}),
    "tokenizer_config.json": json.dumps({"pad_token": "<pad>", "cls_token": "[CLS]", "unk_token": "<unk>", "model_max_length": 512, "tokenizer_class": "BertTokenizer", "additional_special_tokens": ["<|im_start|>"]}),
    "special_tokens_map.json": json.dumps({"eos_token": {"content": "<|endoftext|>", "lstrip": False}}),
    "translations.json": json.dumps({"password": "Passwort", "Forgot password?": "Passwort vergessen?", "secret": "Geheimnis"}),
    "config.yaml": "use_cls_token: true\ntoken_embedding: 768\nmax_tokens: 512\ntokenizer: bert-base-uncased\nsecret_santa_seed: 3\nsort_key: length-of-the-sequence\n",
    "refs.yaml": "password: ${DB_PASSWORD}\napi_key: ${oc.env:WANDB_API_KEY}\ntoken: '{{ vault.token }}'\nsecret: !vault x\nkey_file: ~/.ssh/id_rsa\npassword_file: /run/secrets/db\n",
    "pod.yaml": "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db-secret-1\n      key: password\n- name: EPOCHS\n  value: '3'\n",
    ".env.example": "DB_PASSWORD=change-me\nAPI_KEY=<your key>\nTOKEN=xxxxxxxxxxxxxxxx\nSECRET_KEY=your-secret-key-here\n",
    ".env": "DB_HOST=localhost\nMAX_TOKENS=512\nDB_PASSWORD=${FROM_ELSEWHERE}\nAPI_KEY=\nDB_PASSWORD_FILE=/run/secrets/db\n",
    "model.py": "self.token_embedding = nn.Embedding(n_tokens, dim)\nself.use_cls_token = use_cls_token\nkey = self.key(x)\nkey_padding_mask = mask[0]\nquery, key, value = qkv\n",
    "auth.py": "password = os.environ['DB_PASSWORD']\napi_key = settings.api_key\ntoken = get_token()\npassword: str = ''\nlogin(password=args.password, token=token)\nparser.add_argument('--password', '-p', help='the password of the database')\n",
    "weak.py": 'password = "password"\nsecret = "this-is-a-placeholder-text"\nAPI_KEY = "YOUR_API_KEY_HERE_1234567890"\nTOKEN_NAME = "access_token"\n',
    "docs.md": "Set `HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` and `export WANDB_API_KEY=<key>`.\nUse `sk-...abcd`.\n",
    "urls.md": "https://user@host/repo.git, http://user:***@host/, https://USER:PASSWORD@HOST/, git@github.com:a/b.git, http://localhost:8888/lab?a=b@c, github://org:repo@sha/a.yml\n",
    "url.py": "url = f'https://{user}:{password}@{host}/'\nother = 'https://me:${TOKEN}@host/'\n",
    "url.sh": "git clone https://oauth2:$TOKEN@host/a.git\ncurl http://localhost:8080/a@b\ncurl -u $USER:$PASS x\nexport A_TOKEN=$B\n",
    "page.html": "<div class='sk-top-container sk-estimator-doc-link-and-a-very-long-class-name'><script integrity='sha384-" + _SRI[:64] + "'>",
    "kafka.yaml": "servers: kafka://a:9092,b:9092 # ask me@example.org\n",
    "public.pem": f"-----BEGIN PUBLIC KEY-----\n{_IMAGE[:64]}\n-----END PUBLIC KEY-----\n",
    "cert.pem": f"-----BEGIN CERTIFICATE-----\n{_IMAGE[:640]}\n-----END CERTIFICATE-----\n",
    "known_hosts": f"github.com ssh-rsa AAAAB3NzaC1yc2E{_IMAGE[:300]}\n",
    "reads_keys.py": 'if "-----BEGIN RSA PRIVATE' ' KEY-----" in text:\n    raise ValueError("a key")\n',
    "manifest.json": json.dumps({"definition_id": f"sha256:{digest('m')}", "tree": digest("t", "sha1"), "image": f"python@sha256:{digest('i')}"}),
    "cache.py": f'cache_key = "{digest("k", "md5")}"\nprimary_key = "id"\nforeign_key = "user_id"\nhash_key = "{digest("h")}"\n',
    "meta.json": json.dumps({"uuid": _UUID, "run_id": digest("r", "md5"), "etag": digest("e", "md5"), "public_key": _IMAGE[:88]}),
    "train.log": "epoch 3 tokens=123456789 tokens/s: 8123.4 token_acc: 0.9312 pass: 0.93 first_pass=coarse-to-fine\n"
    f"wandb: Syncing run deft-sea-12 (commit {digest('w', 'sha1')})\nwandb: key metrics will be logged\nSaved /runs/{digest('p', 'sha1')}/model.pt (key=val_loss)\n"
    "password: 12 characters at least\nusing token: bert-base-uncased-v2\nLoading token_embedding.weight [30522, 768]\n12345678:2024-01-01T00:00:00.000000Z-abcdefghij\n",
    "results.xml": "<testcase name='password_reset' key='3'><password/></testcase>\n",
    "sas.txt": "https://a.example.org/x?signature=none&sig=&key=1\n",
}  # fmt: skip

VALUES: dict[str, str | int | float | bool | None] = {
    "model.use_cls_token": True,
    "use_cls_token": "true",
    "token_embedding": 768,
    "tokenizer": "bert-base-uncased",
    "tokenizer.pad_token": "<|endoftext|>",
    "tokenizer.mask_token": "[MASK-OF-THIS-MODEL-1234567]",
    "generation.max_tokens": 512,
    "MAX_TOKENS": "512",
    "num_tokens": 1_000_000_000,
    "token": "classification-head",
    "token_dropout": 0.1,
    "secret_santa_seed": 3,
    "secret_santa": "data/secret_santa.csv",
    "sort_key": "length-of-the-sequence",
    "primary_key": "id",
    "public_key": "ssh-rsa AAAA",
    "api_key": None,
    "api_key_env": "WANDB_API_KEY",
    "wandb.api_key": "${oc.env:WANDB_API_KEY}",
    "password": "",
    "db.password": "${DB_PASSWORD}",
    "db_password": "<your password>",
    "admin_password": "changeme",
    "root_password": "********",
    "password_file": "/run/secrets/db",
    "password_length": 12,
    "GOOGLE_APPLICATION_CREDENTIALS": "/home/me/key.json",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONPATH": "/home/me/src:/opt/lib",
    "PWD": "/home/me",
    "OLDPWD": "/home",
    "DATA_VERSION": digest("b", "sha1"),
    "data.md5": digest("a", "md5"),
    "revision": digest("a", "sha1"),
    "image": f"python@sha256:{digest('i')}",
    "run_uuid": _UUID,
    "data.url": "s3://bucket/key?versionId=abc",
    "vision.patch_token": "learned-from-position",
    "secret": True,
    "n_pass": "two-pass-training",
    "compass": "north-by-northwest",
    "path": "runs/2024-01-01/checkpoint-001200",
}

ARGUMENTS: tuple[tuple[str, ...], ...] = (
    ("train", "--use_cls_token"),
    ("train", "--use-cls-token", "true"),
    ("train", "max_tokens=512"),
    ("train", "--tokenizer=sentencepiece-v0.1.99-large"),
    ("train", "--pad-token", "<|endoftext|>"),
    ("train", "--data", "secret_santa.csv"),
    ("train", "--mode", "password", "data/a-long-file-name.csv"),
    ("train", "--ask-password", "train-data.csv"),
    ("train", "--password", "--verbose"),
    ("train", "--password-file", "secrets/password.txt"),
    ("train", "--api-key-env", "WANDB_API_KEY"),
    ("train", "--api-key", "$WANDB_API_KEY"),
    ("train", "--api-key="),
    ("sh", "-c", "python train.py --api-key $KEY --password ${PASSWORD}"),
    ("python", "-c", "import os; api_key = os.environ['API_KEY']; password = get_password()"),
    ("train", "--commit", digest("a", "sha1")),
    ("train", "--checksum", "sha256:" + digest("a")),
    ("train", "--repo", "https://user@host/repo.git"),
    ("train", "--key", "sort-by-name-and-date"),
)
