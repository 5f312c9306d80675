"""The shell of the portal: settings, URLs, Celery, and what every app shares."""
