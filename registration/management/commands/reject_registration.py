"""`manage.py reject_registration TRACKING_OR_ID --by NAME --reason TEXT`."""

from common import limits
from registration.desk import service as desk
from registration.management.base import DecisionCommand
from registration.states import State


class Command(DecisionCommand):
    help = (
        "Reject a request that waits at a branch. Your name and your reason are kept with it for good. The reason is "
        f"in the SMS that the person gets: write it for them, in {limits.REJECTION_REASON_LONGEST} characters at most. "
        "They may register again. Giving it twice changes nothing."
    )
    decided = State.REJECTED
    decide = staticmethod(desk.reject_by_administrator)
