"""The shell of the portal: settings, URLs, Celery, checks, start-up, the admin site."""
