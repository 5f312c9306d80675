"""Fixtures of connected services."""

from __future__ import annotations

import pytest

from accounts.models import User
from tests.support.accounts import citizen


@pytest.fixture
def account(db: None) -> User:
    """A citizen with an active account."""
    return citizen()
