"""People who go on working while their server is killed, for `benchmarks.kills`."""

from __future__ import annotations

import re
import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass, field

from benchmarks.load_clients import Answer, Person
from tests.people import PASSWORD

SEEN = re.compile(rb'name="seen"[^>]*value="([0-9a-f]{64})"')
REASON = b'name="reason"'
PAUSE = 0.2
"""Seconds until somebody whose server is away tries again."""

CELL, FIELD, CORRECTION = "cell classified", "field sent", "correction"
SIGNATURE, AMENDMENT = "signature", "amendment"
KINDS = (CELL, FIELD, CORRECTION, SIGNATURE, AMENDMENT)

LABELS = ("lymphocyte", "monocyte")


@dataclass
class Acts:
    """Record requests and their answers by kind; each act has a unique name. Thread-safe."""

    asked: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    acknowledged: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    refused: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def note(self, kind: str, name: str, answer: Answer, wanted: int) -> None:
        """Note one act and what was answered."""
        self.asked[kind].append(name)
        if answer.status == wanted:
            self.acknowledged[kind].add(name)
        elif isinstance(answer.status, int):
            self.refused[kind].add(f"{answer.status}")


class Worker(threading.Thread):
    """One person who does one thing again and again until the end."""

    def __init__(self, person: Person, acts: Acts, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.person = person
        self.acts = acts
        self.ended = ended
        self.signed_in = threading.Event()

    def run(self) -> None:
        """Sign in, and work."""
        self.person.sign_in()
        self.signed_in.set()
        while not self.ended.is_set():
            answer = self.act()
            if answer.status in {429, 503} or isinstance(answer.status, str):
                self.ended.wait(answer.retry_after or PAUSE)
        self.person.close()

    def act(self) -> Answer:
        """Do it once."""
        raise NotImplementedError


class Sender(Worker):
    """Sends cells, or fields; never again what was not acknowledged."""

    def __init__(
        self, person: Person, acts: Acts, ended: threading.Event, kind: str, content: bytes
    ) -> None:
        super().__init__(person, acts, ended)
        self._kind = kind
        self._content = content

    def act(self) -> Answer:
        """Send one file under a name of its own."""
        name, (path, wanted) = f"{uuid.uuid4().hex}.png", self._way()
        answer = self.person.send(None, path, self._content, name)
        self.acts.note(self._kind, name, answer, wanted)
        if self._kind == FIELD:
            # As many as are read meanwhile.
            self.ended.wait(1)
        return answer

    def _way(self) -> tuple[str, int]:
        return ("/classify", 201) if self._kind == CELL else ("/detect", 202)


class Corrector(Worker):
    """Names cells, and sends each correction until it is answered, with the same key."""

    def __init__(
        self,
        person: Person,
        acts: Acts,
        ended: threading.Event,
        room: str,
        account_id: str,
        cells: list[str],
    ) -> None:
        super().__init__(person, acts, ended)
        self._room = room
        self._account_id = account_id
        self._cells = cells

    def act(self) -> Answer:
        """Correct one cell."""
        entry = {
            "key": uuid.uuid4().hex,
            "cell": self.person.chance.choice(self._cells),
            "label": self.person.chance.choice(LABELS),
        }
        sent = {"reader": self._account_id, "entries": [entry]}
        answer = self.person.post_json(f"{self._room}/reviews", sent)
        while isinstance(answer.status, str) and not self.ended.wait(PAUSE):
            answer = self.person.post_json(f"{self._room}/reviews", sent)
        self.acts.note(CORRECTION, entry["key"], answer, 200)
        return answer


class Signer(Worker):
    """Signs a case, opens it again, signs it again; after a lost answer looks where it stands."""

    def __init__(self, person: Person, acts: Acts, ended: threading.Event, case: str) -> None:
        super().__init__(person, acts, ended)
        self._path = f"{case}/sign-out"

    def act(self) -> Answer:
        """Sign the case, or amend it if it is signed."""
        page = self.person.get(None, self._path)
        if page.status != 200:
            return page
        name = uuid.uuid4().hex
        if seen := SEEN.search(page.body):
            form = {"conclusion": name, "password": PASSWORD, "seen": seen[1].decode()}
            answer = self.person.post(None, self._path, **form)
            self.acts.note(SIGNATURE, name, answer, 303)
        elif REASON in page.body:
            answer = self.person.post(None, f"{self._path}/amend", reason=name)
            self.acts.note(AMENDMENT, name, answer, 303)
        else:
            raise RuntimeError("The case can be neither signed nor amended.")
        return answer
