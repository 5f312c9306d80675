"""An account with a phone, and with what the portal also asks a person."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    phone = models.CharField(max_length=16, unique=True, null=True)
    phone_verified = models.BooleanField(default=False)
    national_id = models.CharField(max_length=10, unique=True, null=True)
    certificate_number = models.CharField(max_length=10)
    certificate_serial = models.CharField(max_length=6)
    series_letter = models.CharField(max_length=3)
    series_number = models.CharField(max_length=2)
    birth_date = models.DateField(null=True)
    gender = models.CharField(max_length=6)
    country = models.CharField(max_length=2)
    city = models.CharField(max_length=60)
    security_question = models.CharField(max_length=30)
    security_answer = models.CharField(max_length=200)
