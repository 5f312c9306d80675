"""What is measured in one turn at a site, per person or per request."""

from __future__ import annotations

import contextlib
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from benchmarks.journeys.browser import Busy
from benchmarks.journeys.cpu import Spent, children, resident
from benchmarks.journeys.people import REGISTRATION, SIGN_IN, Person, credentials, right
from benchmarks.journeys.sites import Portal, Site

WARM_UP = 12  # journeys before the first turn: what each thread loads once
SETTLES = 0.1  # seconds after the last answer: what a thread does when its answer has gone
EMPTY = "/benchmark/empty"
Taken = TypeVar("Taken")


def rounds(works: Mapping[str, Callable[[], Taken]], count: int) -> dict[str, list[Taken]]:
    """Each in each round, in a random order, so that a busy machine slows all."""
    took: dict[str, list[Taken]] = {name: [] for name in works}
    for _ in range(count):
        for name in random.sample(list(works), len(works)):
            took[name].append(works[name]())
    return took


def spent_on(site: Site, works: Iterable[Callable[[], object]]) -> Spent:
    """What each of these cost the site, on the average."""
    count, before = 0, site.meter.read()
    for work in works:
        work()
        site.meter.read()  # a backend may end at any time
        count += 1
    time.sleep(SETTLES)
    return (site.meter.read() - before) / count


def journeys(site: Site, count: int) -> Spent:
    """Whole journeys of new people, one after the other; then the worker decides about them."""
    registered = site.next(count)
    spent = spent_on(site, ((lambda person=person: site.register(person)) for person in registered))
    site.settle(registered)
    return spent


def newcomers(site: Site, count: int) -> list[Person]:
    """People who have an account."""
    registered = site.next(count)
    for person in registered:
        site.register(person)
    site.settle(registered)
    return registered


def sign_ins(site: Site, count: int) -> Spent:
    """The POSTs of sign-ins alone: the pages before them are there."""
    waiting = [(site.browser(person), person) for person in newcomers(site, count)]
    for browser, _person in waiting:
        browser.get(SIGN_IN)
    time.sleep(SETTLES)
    spent = spent_on(
        site, ((lambda b=browser, p=person: b.send(SIGN_IN, credentials(p))) for browser, person in waiting)
    )
    for browser, _person in waiting:
        right(browser.status == 302 and "/home" in browser.location, browser)
        browser.close()
    return spent


def pages(site: Site, path: str, count: int) -> Spent:
    """GETs of somebody who was never here, over one connection."""
    browser = site.browser(site.next(1)[0])

    def once() -> None:
        browser.cookies.clear()
        browser.ask("GET", path)

    once()
    return spent_on(site, [once] * count)


def writes_of_step_one(site: Portal) -> tuple[int, bool]:
    """Statements of the first page, and whether it makes a session."""
    browser = site.browser(site.next(1)[0])
    site.listener.take()
    fewest, sessions = 99, False
    for _ in range(8):
        browser.cookies.clear()
        browser.ask("GET", REGISTRATION)
        time.sleep(0.02)
        fewest = min(fewest, len(site.listener.take()))
        sessions |= any("sessionid" in name for name in browser.set_cookies)
    return fewest, sessions


def statements_of(site: Portal, works: Iterable[Callable[[], object]]) -> list[str]:
    """Of the one with the fewest: what is asked every some seconds is left out."""
    found: list[list[str]] = []
    site.listener.take()
    for work in works:
        work()
        time.sleep(SETTLES)
        found.append(site.listener.take())
    return min(found, key=len)


def grown(site: Portal, seconds: float, browsers: int) -> tuple[list[float], list[float], int]:
    """MB of each web process before and after these seconds of registrations and sign-ins, and how many there were."""
    processes = children()[site.world.processes["web"].pid]
    before = [resident(pid) for pid in processes]
    ends, lock, done, wrong = time.monotonic() + seconds, threading.Lock(), list[Person](), list[Exception]()

    def people() -> None:
        try:
            while time.monotonic() < ends and not wrong:
                with lock:
                    [person] = site.next(1)
                with contextlib.suppress(Busy):  # no place for the hash; the next person comes
                    site.register(person)
                    site.settle([person])
                    browser = site.browser(person)
                    browser.get(SIGN_IN)
                    browser.post(SIGN_IN, credentials(person))
                    browser.close()
                    done.append(person)
        except Exception as error:  # told by whoever waits for the thread
            wrong.append(error)

    threads = [threading.Thread(target=people) for _ in range(browsers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if wrong:
        raise wrong[0]
    return before, [resident(pid) for pid in processes], len(done)


def median(values: Iterable[float]) -> float:
    return statistics.median(list(values))
