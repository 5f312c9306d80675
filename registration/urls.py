from django.urls import path
from django.views.generic import RedirectView

from registration import views
from registration.wizard import RegistrationWizard

urlpatterns = [
    path("", RegistrationWizard.as_view(), name="registration"),
    path("/", RedirectView.as_view(pattern_name="registration")),
    path("/done", views.done, name="registration_done"),
    path("/resend", views.resend, name="registration_resend"),
    path("/delivery", views.delivery, name="registration_delivery"),
    path("/change", views.change, name="registration_change"),
    path("/restart", views.restart, name="registration_restart"),
]
