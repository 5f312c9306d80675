"""The app of `allauth_site.py`: accounts with a phone, as django-allauth's own example has them."""
