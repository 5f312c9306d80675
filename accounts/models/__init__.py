"""Accounts: who may sign in, their codes, and what happens in the life of an account."""

from accounts.models.catalogue import Icon, Service
from accounts.models.changes import EmailChange, MobileChange, MobileChangeStage
from accounts.models.codes import Allowance, CodePurpose, OneTimeCode, SignInFailures
from accounts.models.history import AccountEvent, EventKind, FreezeLink
from accounts.models.people import Branch, Closure, Gender, User
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
