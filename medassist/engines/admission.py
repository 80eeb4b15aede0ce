"""Who may write now: a queue with places, in order of arrival, one adapter at a time."""

import threading
from collections.abc import Hashable


class Admission:
    """Lets at most `slots` tickets run at once, first come first served, all running tickets with the same key.

    The key is the adapter: a batch shares one set of weights, so a ticket for another adapter waits until the
    running ones are done, and nobody overtakes it. `room` bounds the sum of the running tickets' sizes, in tokens of
    the key-value cache: a batch that outgrows its cache throws sessions out and reads them again, over and over.
    A ticket larger than the room runs alone.
    """

    def __init__(self, slots: int, room: int | None = None) -> None:
        self.slots, self.room = slots, room
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._running: set[Ticket] = set()

    def enter(self, key: Hashable = None, size: int = 0) -> "Ticket":
        ticket = Ticket(self, key, size)
        with self._changed:
            self._waiting.append(ticket)
            self._admit()
        return ticket

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self.slots:
            head = self._waiting[0]
            if any(ticket.key != head.key for ticket in self._running):
                break
            taken = sum(ticket.size for ticket in self._running)
            if self.room is not None and self._running and taken + head.size > self.room:
                break
            self._running.add(self._waiting.pop(0))
        self._changed.notify_all()


class Ticket:
    """A place in the queue, then among the running; `leave` gives it back and may be called twice."""

    def __init__(self, admission: Admission, key: Hashable, size: int) -> None:
        self.key, self.size = key, size
        self._admission = admission

    @property
    def position(self) -> int:
        """Place in the queue: 1 = next, 0 = running (or left)."""
        with self._admission._changed:
            waiting = self._admission._waiting
            return waiting.index(self) + 1 if self in waiting else 0

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; whether the ticket runs now."""
        gate = self._admission
        with gate._changed:
            return gate._changed.wait_for(lambda: self in gate._running, timeout)

    def leave(self) -> None:
        gate = self._admission
        with gate._changed:
            gate._running.discard(self)
            if self in gate._waiting:
                gate._waiting.remove(self)
            gate._admit()
            gate._changed.notify_all()
