"""`manage.py activate_registration TRACKING_OR_ID --by NAME --reason TEXT`."""

from registration.desk import service as desk
from registration.management.base import DecisionCommand
from registration.states import State


class Command(DecisionCommand):
    help = (
        "Activate a request that waits at a branch, without its desk: no code is asked for and no papers are ticked, "
        "so your name and your reason are kept with it for good. The person gets the SMS of an activation, and other "
        "requests for the same national ID end. Giving it twice changes nothing."
    )
    decided = State.APPROVED
    decide = staticmethod(desk.activate_by_administrator)
