"""Speaks to one repository of an OCI registry: who we are is Docker's own matter, which oras reads.

Nothing that a registry answers is believed, and no answer of it ends in a traceback.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from repro.bundles.references import Registry
from repro.errors import NotFound, ReproError

if TYPE_CHECKING:
    from requests import Response

TIMEOUT = (10.0, 300.0)
"""Seconds for a connection, and for the next bytes of an answer."""
ATTEMPTS = 3
PAUSE = 1.0
"""Seconds before the second attempt; twice that before the third."""
_PASSING = (408, 429, 500, 502, 503, 504)


class Session:
    """Requests to one repository, with the credentials that `docker login` left."""

    def __init__(self, registry: Registry) -> None:
        import oras.auth
        import oras.container
        import oras.logger

        oras.logger.logger.set_level(logging.CRITICAL)  # what fails is said here, in one line

        self._registry = registry
        scheme = urlsplit(registry.base).scheme
        self._auth = oras.auth.get_auth_backend("token", insecure=scheme == "http")
        self._auth.headers = {}
        self._session = self._auth.session
        # what stands in ~/.netrc would take the place of the token
        self._session.auth = lambda request: request
        if scheme == "http":
            self._session.trust_env = False  # no proxy between us and this machine
        self._basic = False
        name = f"{registry.host}/{registry.repository}"
        if folder := os.environ.get("DOCKER_CONFIG"):
            # which oras does not know of; with settings at hand it looks for no others
            self._guarded(lambda: setattr(self._auth, "_auth_config", _settings(Path(folder))))
        self._guarded(lambda: self._auth.load_configs(oras.container.Container(name)))

    def request(
        self,
        method: str,
        path: str,
        expected: Collection[int],
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Path = b"",
    ) -> Response:
        """The answer, its content not read yet, where its status is an expected one.

        ``path`` is one of the repository, or the address that an answer of it gave. Raises NotFound for a
        404 that is not expected, ReproError.
        """
        url = urljoin(f"{self._registry.base}/", path)
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                answer = self._authenticated(method, url, dict(headers or {}), body)
            except (OSError, ValueError) as error:
                if last:
                    raise self._failed(f"{method}: {_reason(error)}") from error
            else:
                if answer.status_code in expected:
                    return answer
                answer.close()
                if last or answer.status_code not in _PASSING:
                    raise self._refused(method, answer)
            time.sleep(PAUSE * attempt)
        raise AssertionError("the last attempt returns or raises")

    def _authenticated(
        self, method: str, url: str, headers: dict[str, str], body: bytes | Path
    ) -> Response:
        own = urlsplit(url)[:2] == urlsplit(self._registry.base)[:2]
        answer = self._sent(method, url, headers | (self._proof() if own else {}), body)
        if answer.status_code != 401 or not own:
            return answer
        challenge = answer.headers.get("Www-Authenticate", "")
        answer.close()
        if challenge.lower().startswith("basic"):
            self._basic = True
        else:
            # another token each time: the one that may pull is not the one that may push
            self._guarded(lambda: self._auth.authenticate_request(answer, {}, refresh=True))
        proof = self._proof()
        return self._sent(method, url, headers | proof, body) if proof else answer

    def _proof(self) -> dict[str, str]:
        if self._basic:
            known = getattr(self._auth, "_basic_auth", None)
            return {"Authorization": f"Basic {known}"} if known else {}
        return dict(self._auth.get_auth_header())

    def _sent(self, method: str, url: str, headers: dict[str, str], body: bytes | Path) -> Response:
        stream: AbstractContextManager[bytes | IO[bytes]]
        stream = body.open("rb") if isinstance(body, Path) else nullcontext(body)
        with stream as data:
            return self._session.request(
                method,
                url,
                data=data or None,
                headers={"Accept-Encoding": "identity", **headers},
                stream=True,
                timeout=TIMEOUT,
                allow_redirects=method in ("GET", "HEAD"),
            )

    def _guarded(self, call: Callable[[], object]) -> None:
        """oras takes it that settings and answers are as they should be."""
        try:
            call()
        except Exception as error:
            raise ReproError(
                f"cannot log in to {self._registry.host}: {_reason(error)}",
                f"docker login {self._registry.host}",
            ) from error

    def _failed(self, what: str) -> ReproError:
        return ReproError(
            f"the registry {self._registry.host} cannot be reached ({what})",
            "try again: what has arrived is not sent, or fetched, twice",
        )

    def _refused(self, method: str, answer: Response) -> ReproError:
        status, name = answer.status_code, self._registry.shown
        if status == 404 and method in ("GET", "HEAD"):
            return NotFound(f"there is no such run in the registry: {name}")
        hints = {
            401: f"docker login {self._registry.host}",
            403: f"ask for access to {self._registry.repository}; docker login {self._registry.host}",
            404: f"the repository {self._registry.repository} may have to be made first",
            413: "the registry, or a proxy before it, takes nothing so large",
        }
        return ReproError(
            f"{name}: the registry answers {status} to {method}", hints.get(status, "")
        )


def _settings(folder: Path) -> dict[str, Any]:
    """Docker's settings where they are kept elsewhere than in the home."""
    path = folder / "config.json"
    found = json.loads(path.read_bytes()) if path.exists() else {}
    return {
        "auths": found.get("auths", {}),
        "credsStore": found.get("credsStore"),
        "credHelpers": found.get("credHelpers", {}),
    }


def _reason(error: BaseException) -> str:
    """The innermost reason, in one line."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
