"""tools/changed.py: which test files belong to a changed file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import changed

pytestmark = pytest.mark.project


@pytest.fixture(scope="module")
def tree() -> changed.Tree:
    return changed.Tree()


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("identity/matching.py", "test_identity_matching.py"),  # imports it
        ("mail/views.py", "test_mail_inbox.py"),  # opens its page
        ("identity/management/commands/identity_usage.py", "test_identity_network.py"),  # runs it
        ("templates/sms/inbox.html", "test_sms_inbox.py"),  # opens the page whose view names it
        ("docker-compose.yml", "test_compose.py"),  # names it
        ("README.md", "test_documents.py"),
    ],
)
def test_a_test_belongs_to_what_it_uses(tree, path, test):
    assert test in {Path(found).name for found in tree.tests_of(path)}


def test_a_changed_test_belongs_to_itself_and_a_helper_to_its_users(tree):
    itself = str(Path(__file__).relative_to(changed.ROOT))
    assert tree.tests_of(itself) == {itself}
    assert itself in tree.tests_of("tools/changed.py")
    assert all(changed.is_test(path) for path in tree.tests_of("tests/support/mail_fixtures.py"))
