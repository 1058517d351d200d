"""Real SSH keys, made for a test, and files that say whose they are."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from repro import attesting
from repro.signing import envelope, schemes, statement
from repro.signing.envelope import Envelope
from repro.signing.statement import Compared, Recorded, Replayed
from repro.store import Store

RUN = "ea68d309c7b4d1ecdb961d713a6b3e216948b97a50ae21d7226b7373cd229c8f"
WHEN = "2026-01-15T12:20:00.000Z"
RECORDED = Recorded(WHEN, "repro 0.1.0")


@dataclass(frozen=True)
class Keys:
    """A folder of keys without passphrase, made when they are asked for."""

    folder: Path

    def __call__(self, name: str, *words: str, passphrase: str = "") -> str:
        """The path of the private key with this name; ``words`` for ssh-keygen."""
        path = self.folder / name
        if not shutil.which("ssh-keygen"):
            pytest.skip("no ssh-keygen on the PATH: apt-get install openssh-client")
        if not path.exists():
            options = words or ("-t", "ed25519")
            subprocess.run(
                ["ssh-keygen", "-q", *options, "-N", passphrase, "-C", name, "-f", path], check=True
            )
        return str(path)

    def public(self, name: str) -> str:
        """Type and key, without the comment."""
        self(name)
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])

    def fingerprint(self, name: str) -> str:
        done = subprocess.run(
            ["ssh-keygen", "-l", "-f", self(name)], check=True, capture_output=True, text=True
        )
        return done.stdout.split()[1]

    def allowed(self, *lines: str, name: str = "allowed") -> Path:
        """A file of allowed signers; ``KEY`` in a line stands for the public key of that name."""
        path = self.folder / name
        text = "".join(
            f"{line.rpartition(' ')[0]} {self.public(line.split()[-1])}\n" for line in lines
        )
        path.write_text(text)
        return path


def replayed(verdict: str = "identical", **changes: object) -> Replayed:
    facts: dict[str, object] = {
        "created": WHEN, "replayed": WHEN, "verdict": verdict, "compared": Compared(3, 2),
        "comparison": "sha256:" + "6" * 64, "record": "sha256:" + "7" * 64,
        "engine": "docker", "isolation": "container", "tool": "repro 0.1.0",
    }  # fmt: skip
    return Replayed(**{**facts, **changes})  # type: ignore[arg-type]


def signed(
    key: str,
    said: Recorded | Replayed = RECORDED,
    run: str = RUN,
    environ: dict[str, str] | None = None,
) -> bytes:
    """An envelope, as `repro sign` makes it."""
    import os

    payload = statement.dumps(statement.about(run, said))
    scheme = schemes.make("ssh", environ or dict(os.environ))
    signature = scheme.sign(Envelope(payload, ()).message, key)
    return envelope.dumps(Envelope(payload, (signature,)))


def sign(store: Store, key: str, said: Recorded | Replayed = RECORDED) -> str:
    """Sign the one run of a store."""
    import os

    (run,) = store.run_ids()
    return attesting.sign(store, run, said, key, os.environ).id
