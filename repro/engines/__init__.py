"""The engines by name. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from repro.engines.base import Engine
from repro.errors import UsageError

NAMES = ("docker", "venv")


def make(name: str, environ: Mapping[str, str]) -> Engine:
    """The engine of that name; its library is loaded only now. Raises EngineError, UsageError."""
    match name:
        case "docker":
            from repro.engines.docker import DockerEngine

            return DockerEngine(environ)
        case "venv":
            from repro.engines.venv import VenvEngine

            return VenvEngine(environ)
    raise UsageError(f"there is no engine {name!r}", f"the engines are: {', '.join(NAMES)}")


def remover(environ: Mapping[str, str]) -> Callable[[str], None]:
    """What removes the containers that a killed repro left, by its session's name. The engine is connected to
    only then."""

    def remove(session_name: str) -> None:
        from repro.engines.docker import DockerEngine

        DockerEngine(environ).remove_containers(session_name)

    return remove
