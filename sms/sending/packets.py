"""Groups the calls that are about to be made into packets, and reserves a place for each packet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sms.gateways import base
from sms.sending import calls
from sms.sending.doubt import WayOut
from sms.sending.job import Call


class Packets:
    """A packet is one call of one gateway with up to `gateway.batch` messages. `held` are places that the drain has
    already, of calls whose answers are written together with the start of the new ones."""

    def __init__(self, held: Counter[base.Gateway]) -> None:
        self._packets: dict[base.Gateway, list[list[Call]]] = {}
        self._held = held

    def place(self, gateway: base.Gateway, *, alone: bool) -> list[Call] | None:
        """A packet of `gateway` with room in it; None: the gateway takes no further call now. `alone`: a packet for one
        message."""
        packets = self._packets.setdefault(gateway, [])
        if packets and _has_room(packets[-1], gateway.batch, alone):
            return packets[-1]
        if not self._reserve(gateway):
            return None
        packets.append([])
        return packets[-1]

    def room(self, gateway: base.Gateway) -> int:
        """For how many messages `gateway` has places, at least: the packet that is being filled, and free places."""
        packets = self._packets.get(gateway) or [[]]
        pool = calls.pool_of(gateway)
        free = self._held[gateway] + pool.free if pool else 0
        return gateway.batch * (free + 1) - len(packets[-1])

    def take(self, begun: Collection[Call]) -> list[list[Call]]:
        """The packets to send, reduced to calls in `begun`. Their places go with them."""
        may = set(begun)
        taken: list[list[Call]] = []
        for packets in self._packets.values():
            left: list[list[Call]] = []
            for packet in packets:
                live = [call for call in packet if call in may]
                (taken if live else left).append(live)
            packets[:] = left
        return taken

    def release(self) -> None:
        """Give back the places that were not used."""
        self._held.update({gateway: len(packets) for gateway, packets in self._packets.items()})
        self._packets.clear()
        release(self._held)

    def _reserve(self, gateway: base.Gateway) -> bool:
        pool = calls.pool_of(gateway)
        if pool is None:
            return not self._packets[gateway]
        if self._held[gateway]:
            self._held[gateway] -= 1
            return True
        return pool.reserve()


def release(places: Counter[base.Gateway]) -> None:
    """Give `places` back, to all drains of this process."""
    for gateway in places.elements():
        if pool := calls.pool_of(gateway):
            pool.release()
    places.clear()


def _has_room(packet: list[Call], batch: int, alone: bool) -> bool:
    if alone or (packet and packet[0].job.way is WayOut.LOOK_UP):
        return not packet
    return len(packet) < batch
