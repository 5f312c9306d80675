"""The addresses of the registration: its steps, its end, the status page, the second chance, a change of number."""

from django.urls import path
from django.views.decorators.http import require_POST
from django.views.generic import RedirectView

from accounts.sessions.given_back import without_token
from accounts.sessions.store import renews_itself
from registration.views import journey as views
from registration.views import second_chance as second_chance_views
from registration.views import status as status_views
from registration.views.first_page import written_once
from registration.wizard import RegistrationWizard

urlpatterns = [
    path("", written_once(renews_itself(RegistrationWizard.as_view())), name="registration"),
    path("/keep", without_token(require_POST(RegistrationWizard.as_view(keeps_only=True))), name="registration_keep"),
    path("/", RedirectView.as_view(pattern_name="registration")),
    path("/done", views.done, name="registration_done"),
    path("/done/progress", views.progress, name="registration_progress"),
    path("/resend", views.resend, name="registration_resend"),
    path("/delivery", views.delivery, name="registration_delivery"),
    path("/proof", views.proof, name="registration_proof"),
    path("/change", views.change, name="registration_change"),
    path("/restart", views.restart, name="registration_restart"),
    path("/status", status_views.status, name="registration_status"),
    path("/status/timeline", status_views.timeline, name="registration_timeline"),
    path("/status/leave", status_views.leave, name="registration_status_leave"),
    path("/pass", status_views.branch_pass, name="registration_pass"),
    path("/second-chance", second_chance_views.second_chance, name="registration_second_chance"),
    path("/correct", second_chance_views.correct, name="registration_correct"),
    path("/number", second_chance_views.number, name="registration_number"),
    path("/number/code", second_chance_views.number_code, name="registration_number_code"),
    path("/number/proof", second_chance_views.number_proof, name="registration_number_proof"),
    path("/number/resend", second_chance_views.number_resend, name="registration_number_resend"),
]
