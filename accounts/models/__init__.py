"""The tables of accounts: people and branches, codes, proofs, changes, sessions, the history, and the catalogue of
services."""

from accounts.models.catalogue import Icon, Service
from accounts.models.changes import EmailChange, MobileChange, MobileChangeStage
from accounts.models.codes import Allowance, CodePurpose, OneTimeCode, SignInFailures
from accounts.models.history import AccountEvent, EventKind, FreezeLink
from accounts.models.people import Branch, Closure, Evidence, Gender, User
from accounts.models.proofs import Challenge, ChallengeStage, FailedSignIn, OwnerCheck
from accounts.models.sessions import Session, TrustedDevice

__all__ = [
    "AccountEvent",
    "Allowance",
    "Branch",
    "Challenge",
    "ChallengeStage",
    "Closure",
    "CodePurpose",
    "EmailChange",
    "EventKind",
    "Evidence",
    "FailedSignIn",
    "FreezeLink",
    "Gender",
    "Icon",
    "MobileChange",
    "MobileChangeStage",
    "OneTimeCode",
    "OwnerCheck",
    "Service",
    "Session",
    "SignInFailures",
    "TrustedDevice",
    "User",
]
