"""The tables of connected services, what they were granted, and what they are told when it ends."""

from openid.models.failures import AuthenticationFailure
from openid.models.grants import AuthorizationRequest, Connection, EndReason, Grant, Token, TokenKind, UsedAssertion
from openid.models.notices import LogoutNotice, LogoutState
from openid.models.services import (
    AuthMethod,
    ConnectedService,
    Level,
    Sector,
    ServiceEvent,
    ServiceEventKind,
    SigningAlgorithm,
    Usage,
)

__all__ = [
    "AuthMethod",
    "AuthenticationFailure",
    "AuthorizationRequest",
    "ConnectedService",
    "Connection",
    "EndReason",
    "Grant",
    "Level",
    "LogoutNotice",
    "LogoutState",
    "Sector",
    "ServiceEvent",
    "ServiceEventKind",
    "SigningAlgorithm",
    "Token",
    "TokenKind",
    "Usage",
    "UsedAssertion",
]
