"""The queue: order of arrival, places, one adapter at a time."""

import threading
import time

import pytest

from medassist.engines.admission import Admission, Ticket


def runs(ticket: Ticket) -> bool:
    return ticket.wait(0)


def test_as_many_run_as_there_are_slots_and_the_others_know_their_place() -> None:
    gate = Admission(2)
    tickets = [gate.enter() for _ in range(5)]
    assert [runs(ticket) for ticket in tickets] == [True, True, False, False, False]
    assert [ticket.position for ticket in tickets] == [0, 0, 1, 2, 3]


def test_the_next_in_line_moves_up() -> None:
    gate = Admission(1)
    first, second, third = (gate.enter() for _ in range(3))
    first.leave()
    assert (runs(second), runs(third), third.position) == (True, False, 1)
    second.leave()
    assert runs(third)


def test_leaving_while_waiting_gives_the_place_to_who_comes_after() -> None:
    gate = Admission(1)
    first, second, third = (gate.enter() for _ in range(3))
    second.leave()
    assert third.position == 1
    first.leave()
    assert runs(third) and not runs(second)


def test_leaving_twice_frees_one_slot_only() -> None:
    gate = Admission(1)
    first, second, third = (gate.enter() for _ in range(3))
    first.leave()
    first.leave()
    assert runs(second) and not runs(third)


@pytest.mark.parametrize("key", ["adapter-b", None])
def test_another_adapter_waits_for_the_running_ones(key: str | None) -> None:
    gate = Admission(3)
    first, second = gate.enter("adapter-a"), gate.enter("adapter-a")
    other = gate.enter(key)
    late = gate.enter("adapter-a")  # has a slot and the right adapter, and may not overtake
    assert [runs(ticket) for ticket in (first, second, other, late)] == [True, True, False, False]
    first.leave()
    assert not runs(other)
    second.leave()
    assert runs(other) and not runs(late)
    other.leave()
    assert runs(late)


def test_room_is_shared_and_nobody_overtakes_who_needs_more() -> None:
    gate = Admission(8, room=100)
    first, second = gate.enter(size=60), gate.enter(size=40)
    large, small = gate.enter(size=50), gate.enter(size=1)
    assert [runs(ticket) for ticket in (first, second, large, small)] == [True, True, False, False]
    second.leave()
    assert not runs(large) and not runs(small)
    first.leave()
    assert runs(large) and runs(small)


def test_what_is_larger_than_the_room_runs_alone() -> None:
    gate = Admission(8, room=100)
    first, huge, last = gate.enter(size=10), gate.enter(size=1000), gate.enter(size=1)
    assert [runs(ticket) for ticket in (first, huge, last)] == [True, False, False]
    first.leave()
    assert runs(huge) and not runs(last)
    huge.leave()
    assert runs(last)


def test_who_waits_for_another_adapter_may_leave_and_unblock_those_behind() -> None:
    gate = Admission(2)
    first, other, late = gate.enter("a"), gate.enter("b"), gate.enter("a")
    assert not runs(late)
    other.leave()
    assert runs(first) and runs(late)


def test_waiting_ends_as_soon_as_the_slot_is_free() -> None:
    gate = Admission(1)
    first, second = gate.enter(), gate.enter()
    threading.Timer(0.05, first.leave).start()
    began = time.monotonic()
    assert second.wait(5)
    assert time.monotonic() - began < 1


def test_many_threads_never_exceed_the_slots_nor_mix_adapters() -> None:
    gate, lock = Admission(3), threading.Lock()
    running: list[str] = []
    faults: list[list[str]] = []
    done = []

    def work(key: str) -> None:
        for _ in range(10):
            ticket = gate.enter(key)
            assert ticket.wait(20)
            with lock:
                running.append(key)
                if len(running) > 3 or len(set(running)) > 1:
                    faults.append(list(running))
            time.sleep(0.0005)
            with lock:
                running.remove(key)
            ticket.leave()
        done.append(key)

    threads = [threading.Thread(target=work, args=("ab"[i % 2],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 8 and not faults
