"""Makes manifest.json beside this file from a real run, with what belongs to one machine made neutral.

    examples/prepare.sh breast-cancer /tmp/bc && cd /tmp/bc
    repro run --name baseline -- python train.py
    python …/specs/examples/make.py latest

The definition_id is computed anew, so the example is a manifest like any other.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import repro
from repro import canonical, manifest
from repro.manifest import GPU, Manifest

HERE = Path(__file__).parent
IMAGE_DIGEST = canonical.digest_bytes(b"the registry's digest of the base image")


def neutral(run: Manifest) -> Manifest:
    """The run as it would have been on Ada's machine."""
    definition, result, where = run.definition, run.result, run.provenance
    image = definition.environment.image
    assert image and definition.environment.interpreter
    version = definition.environment.interpreter.version
    image = replace(image, reference=f"python:{version}-slim", digest=IMAGE_DIGEST, id=None)
    places = {
        path: replace(item, remote_url="/home/ada/breast-cancer-remote")
        for path, item in where.data.items()
    }
    return replace(
        run,
        definition=replace(
            definition, environment=replace(definition.environment, image=image), env={"TZ": "UTC"}
        ),
        result=replace(
            result,
            started="2026-01-15T12:00:01.250Z",
            ended="2026-01-15T12:00:04.000Z",
            duration=2.75,
            peak_memory=143769600,
            host=replace(
                result.host,
                kernel="6.1.0-13-amd64",
                cpu="AMD EPYC 7B13",
                cpu_flags="avx2 sha256:0123456789ab",
                cpus=8,
                memory=33567367168,
                gpus=(GPU("NVIDIA L4", 24152899584, "550.54.15"),),
                cuda="12.4",
                threads={"OMP_NUM_THREADS": "8"},
            ),
        ),
        created="2026-01-15T12:00:04.500Z",
        provenance=replace(
            where,
            workspace="/home/ada/breast-cancer",
            data=places,
            interpreter="/home/ada/venv/bin/python",
            prefix="/home/ada/venv",
        ),
    )


def main(wanted: str) -> None:
    content = manifest.dumps(neutral(repro.load(wanted).manifest))
    manifest.loads(content)
    text = json.dumps(json.loads(content), ensure_ascii=False, indent=2, sort_keys=True)
    (HERE / "manifest.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["latest"]))
