"""What is attached to a manifest in a registry: asked of its referrers, where it has such a list (OCI 1.1),
and of the tag `sha256-HEX`, which stands in for the list in registries that have none.

Such a tag has no lock: what was written is read again, and written again where another came between.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from repro import canonical
from repro.bundles import attachments, layout
from repro.bundles.attachments import Attachment
from repro.bundles.layout import Blob
from repro.bundles.references import Registry
from repro.bundles.refusing import Refused, refused
from repro.bundles.registry_session import Session
from repro.errors import Busy, ReproError

ATTEMPTS = 5
MOST_PAGES = 16
LARGEST = 4 << 20
"""Bytes of a list."""
_NO_LIST = (400, 403, 404, 405, 501)
"""How registries answer that do not know what referrers are."""
_INDEX = {"Accept": layout.INDEX_TYPE}
_NEXT = re.compile(r'<([^<>\s]{1,2000})>\s*;\s*rel="?next"?')


class Referrers:
    """The attachments of one repository that are signatures of runs; others are left alone."""

    def __init__(self, registry: Registry, session: Session) -> None:
        self._registry, self._session = registry, session
        self.notes: tuple[str, ...] = ()

    def of(self, subject: str) -> tuple[Blob, ...]:
        """What is attached to the manifest with this digest, in no order. Raises ReproError."""
        listed = self._listed(subject) or []
        try:
            listed += self._entries(self._tagged(subject))
        except Refused as error:
            self._note(error)
        found: dict[str, Blob] = {}
        for entry in listed:
            if not isinstance(entry, dict) or entry.get("artifactType") != layout.SIGNATURE_TYPE:
                continue
            try:
                blob = layout.read_blob(entry, "the list of signatures")
            except Refused as error:
                self._note(error)
                continue
            found.setdefault(blob.digest, blob)
        return tuple(found.values())

    def attach(self, attachment: Attachment) -> None:
        """Push its manifest, and see to it that it is found; what it attaches is there already."""
        content, subject = attachments.dump(attachment), attachment.subject.digest
        blob = Blob(canonical.digest_bytes(content), len(content), layout.MANIFEST_TYPE)
        headers = {"Content-Type": layout.MANIFEST_TYPE}
        self._session.request(
            "PUT", f"manifests/{blob.digest}", (201,), headers=headers, body=content
        ).close()
        # some say that they have taken note of it (OCI-Subject), and have no list: so we look
        listed = self._listed(subject)
        if listed is None or blob.digest not in {_digest(item) for item in listed}:
            entry = {**layout.describe(blob), "artifactType": layout.SIGNATURE_TYPE}
            self._add(subject, {**entry, "annotations": attachment.notes})

    # --- the list that a registry keeps ---

    def _listed(self, subject: str) -> list[Any] | None:
        """Page by page; None where the registry keeps none."""
        path = f"referrers/{subject}?artifactType={quote(layout.SIGNATURE_TYPE, safe='')}"
        entries: list[Any] = []
        for _ in range(MOST_PAGES):
            answer = self._session.request("GET", path, (200, *_NO_LIST), headers=_INDEX)
            if answer.status_code != 200:
                answer.close()
                return None
            following = _NEXT.search(answer.headers.get("Link", ""))
            try:
                entries += self._entries(self._content(answer))
            except Refused:
                return None  # 200 and a web page: as good as none
            if not following:
                return entries
            path = urljoin(f"{self._registry.base}/{path}", following[1])
            if urlsplit(path)[:2] != urlsplit(self._registry.base)[:2]:
                break
        self.notes += ("the registry's list of signatures goes on; the rest was left",)
        return entries

    # --- the tag that stands in for it ---

    def _tagged(self, subject: str) -> bytes | None:
        answer = self._session.request(
            "GET", f"manifests/{_tag(subject)}", (200, 404), headers=_INDEX
        )
        if answer.status_code == 404:
            answer.close()
            return None
        return self._content(answer)

    def _add(self, subject: str, entry: dict[str, Any]) -> None:
        """Raises Busy where others write to it all the time, Refused where it is no list."""
        headers = {"Content-Type": layout.INDEX_TYPE}
        for _ in range(ATTEMPTS):
            before = self._tagged(subject)
            entries = self._strict(before)
            if entry["digest"] in {_digest(item) for item in entries}:
                return
            whole = {
                "schemaVersion": 2,
                "mediaType": layout.INDEX_TYPE,
                "manifests": [*entries, entry],
            }
            body = canonical.dumps(whole)
            self._session.request(
                "PUT", f"manifests/{_tag(subject)}", (201,), headers=headers, body=body
            ).close()
        if entry["digest"] not in {_digest(item) for item in self._strict(self._tagged(subject))}:
            raise Busy(f"others write to {self._registry.shown} all the time", "push again")

    def _strict(self, content: bytes | None) -> list[Any]:
        if content is None:
            return []
        document = layout.read_object(content, "the list of signatures")
        if document.get("mediaType") != layout.INDEX_TYPE:
            raise refused("the tag of the list of signatures is taken by something else")
        return layout.read_list(document.get("manifests"), "the list of signatures")

    def _entries(self, content: bytes | None) -> list[Any]:
        """Of a list, whoever wrote it."""
        if content is None:
            return []
        document = layout.read_object(content, "the list of signatures")
        return layout.read_list(document.get("manifests"), "the list of signatures")

    def _content(self, answer: Any) -> bytes:
        content = bytearray()
        try:
            for chunk in answer.iter_content(canonical.CHUNK):
                content += chunk
                if len(content) > LARGEST:
                    raise refused("the list of signatures is too large")
        except OSError as error:
            raise ReproError(
                f"{self._registry.shown}: the registry broke off in the middle of an answer",
                "try again",
            ) from error
        finally:
            answer.close()
        return bytes(content)

    def _note(self, error: Refused) -> None:
        reason = str(error).removeprefix("the bundle is refused: ")
        self.notes += (f"a signature that is attached was not taken: {reason}",)


def _digest(entry: Any) -> Any:
    return entry.get("digest") if isinstance(entry, dict) else None


def _tag(subject: str) -> str:
    return subject.replace(":", "-")
