"""The real engine: Docker, through docker-py, which is imported in this folder only."""

from repro.engines.docker.engine import DockerEngine

__all__ = ["DockerEngine"]
