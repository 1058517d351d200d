"""MLflow's tracking server, through its REST interface. Asked only on loopback, or where the user's own
MLFLOW_TRACKING_URI points."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from repro.trackers.mlflow_nouns import (
    MOST_RUNS,
    Logged,
    is_within,
    step_of,
    too_many,
    value_of,
)
from repro.trackers.nouns import MOST_POINTS, TrackedRun
from repro.trackers.series import gathered

_TIMEOUT = 20.0
"""Seconds, of one request."""
_LARGEST = 128 * 1000**2
"""Bytes of one answer."""
_PAGE = 1000
_POINTS_PAGE = 25_000
_MOST_PAGES = 10_000


def answers(url: str, timeout: float = 1.0) -> bool:
    """Whether an MLflow server answers there."""
    try:
        server = Server(url)
        found = server.call("experiments/search", {"max_results": 1}, post=True, timeout=timeout)
    except (OSError, ValueError):
        return False
    return isinstance(found.get("experiments", []), list)


class _Refusing(urllib.request.HTTPRedirectHandler):
    """Whoever answers with another address does not get the password as well."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True)
class Server:
    """One server. Raises ValueError for one that is neither on loopback nor configured."""

    url: str
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    def __post_init__(self) -> None:
        configured = self.env.get("MLFLOW_TRACKING_URI", "").rstrip("/")
        if not _is_loopback(self.url) and self.url.rstrip("/") != configured:
            host = urlsplit(self.url).hostname
            raise ValueError(f"{host} is asked only where MLFLOW_TRACKING_URI names it")

    def began(self, since: float | None, until: float | None) -> Sequence[Logged]:
        """The runs that began in between, by their start."""
        wanted = "" if since is None else f"attributes.start_time >= {int(since * 1000)}"
        found = []
        for info in self._runs(wanted):
            if is_within(_start(info), since, until) and _stage(info) != "deleted":
                found.append(info)
            if len(found) > MOST_RUNS:
                raise too_many(len(found))
        runs = [self._logged(info) for info in found]
        return sorted(runs, key=lambda item: (item.run.started, item.name, item.run.id))

    def run(self, run_id: str) -> Logged | None:
        """One run by its id."""
        try:
            found = self.call("runs/get", {"run_id": run_id})
        except FileNotFoundError:
            return None
        return self._logged(_object(found.get("run")))

    def run_of_model(self, name: str, version: str | None, alias: str | None) -> str | None:
        """Id of the run that a version of a registered model came from."""
        try:
            if alias is not None:
                found = self.call("registered-models/alias", {"name": name, "alias": alias})
            else:
                found = self.call("model-versions/get", {"name": name, "version": version})
        except FileNotFoundError:
            return None
        run_id = _object(found.get("model_version")).get("run_id")
        return str(run_id) if run_id else None

    def _runs(self, wanted: str) -> Iterator[dict[str, Any]]:
        experiments = [
            str(item.get("experiment_id"))
            for item in self._paged("experiments/search", "experiments", {})
        ]
        for at in range(0, len(experiments), 100):
            query = {"experiment_ids": experiments[at : at + 100], "filter": wanted}
            yield from self._paged("runs/search", "runs", query)

    def _paged(self, path: str, key: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        token = None
        for _ in range(_MOST_PAGES):
            page = {**query, "max_results": _PAGE, **({"page_token": token} if token else {})}
            found = self.call(path, page, post=True)
            yield from map(_object, _list(found.get(key)))
            following = found.get("next_page_token")
            if not following or following == token:
                return
            token = following
        raise ValueError("MLflow's server sends pages without an end")

    def _logged(self, run: dict[str, Any]) -> Logged:
        info, data = _object(run.get("info")), _object(run.get("data"))
        tags = _pairs(data, "tags")
        if info.get("user_id"):
            tags.setdefault("mlflow.user", str(info["user_id"]))
        run_id = str(info.get("run_id") or info.get("run_uuid") or "")
        tracked = TrackedRun(
            id=run_id,
            name=tags.get("mlflow.runName") or str(info.get("run_name") or ""),
            started=_start(run) / 1000,
            status=str(info.get("status") or ""),
            params=_pairs(data, "params"),
            tags=tags,
        )
        keys = sorted({str(_object(item).get("key")) for item in _list(data.get("metrics"))})
        points = (point for key in keys for point in self._points(run_id, key))
        return Logged(tracked, gathered(points, MOST_POINTS))

    def _points(self, run_id: str, key: str) -> Iterator[tuple[str, int, Any]]:
        points: list[tuple[int, int, Any]] = []
        query: dict[str, Any] = {"run_id": run_id, "run_uuid": run_id, "metric_key": key}
        while True:
            # servers before 2.2 know no pages and send all of it
            found = self.call("metrics/get-history", {**query, "max_results": _POINTS_PAGE})
            for item in map(_object, _list(found.get("metrics"))):
                value = value_of(item.get("value", 0.0))
                points.append(
                    (step_of(item.get("step", 0)), step_of(item.get("timestamp", 0)), value)
                )
            following = found.get("next_page_token")
            if not following or following == query.get("page_token"):
                break
            if len(points) > MOST_POINTS:
                raise ValueError(f"{key} has more than {MOST_POINTS} values")
            query["page_token"] = following
        yield from ((key, step, value) for step, _, value in sorted(points, key=lambda p: p[:2]))

    def call(
        self, path: str, query: dict[str, Any], *, post: bool = False, timeout: float = _TIMEOUT
    ) -> dict[str, Any]:
        """The answer, an object. Raises OSError (FileNotFoundError for what is not there), and
        ValueError where it is none of MLflow's."""
        address = f"{_bare(self.url)}/api/2.0/mlflow/{path}"
        body = json.dumps(query).encode() if post else None
        request = urllib.request.Request(
            address if post else f"{address}?{urlencode(query)}",
            data=body,
            headers={"Content-Type": "application/json", **self._authorization()},
        )
        # on loopback no proxy has any business
        proxies = [urllib.request.ProxyHandler({})] if _is_loopback(self.url) else []
        opener = urllib.request.build_opener(_Refusing, *proxies)
        try:
            with opener.open(request, timeout=timeout) as response:
                content = response.read(_LARGEST + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error, self._host()) from error
        except urllib.error.URLError as error:
            raise OSError(f"MLflow's server {self._host()}: {error.reason}") from error
        except HTTPException as error:
            raise OSError(f"MLflow's server {self._host()}: no HTTP answer") from error
        return _document(content)

    def _host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def _authorization(self) -> dict[str, str]:
        """As MLflow's own client: name and password go before the token."""
        parts = urlsplit(self.url)
        name = parts.username or self.env.get("MLFLOW_TRACKING_USERNAME")
        password = parts.password or self.env.get("MLFLOW_TRACKING_PASSWORD")
        if name and password:
            pair = base64.b64encode(f"{name}:{password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        token = self.env.get("MLFLOW_TRACKING_TOKEN")
        return {"Authorization": f"Bearer {token}"} if token else {}


def _refusal(error: urllib.error.HTTPError, host: str) -> OSError:
    if error.code == 404:
        return FileNotFoundError(f"MLflow's server {host} has no such thing")
    if error.code in (401, 403):
        return PermissionError(
            f"MLflow's server {host} refuses: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD,"
            " or MLFLOW_TRACKING_TOKEN, are asked for"
        )
    return OSError(f"MLflow's server {host} answers with status {error.code}")


def _document(content: bytes) -> dict[str, Any]:
    if len(content) > _LARGEST:
        raise ValueError(f"an answer of MLflow's server has more than {_LARGEST} bytes")
    try:
        return _object(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise ValueError("what answers there is no MLflow server") from error


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("what answers there is no MLflow server")
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _pairs(data: dict[str, Any], key: str) -> dict[str, str]:
    found = map(_object, _list(data.get(key)))
    return {str(item.get("key")): str(item.get("value", "")) for item in found}


def _start(run: dict[str, Any]) -> int:
    return step_of(_object(run.get("info")).get("start_time", 0))


def _stage(run: dict[str, Any]) -> str:
    return str(_object(run.get("info")).get("lifecycle_stage", "active"))
