"""/portal/…: sign-in, home, sign-out, recovery."""

from django.urls import path

from accounts import sign_in_code_views, views

urlpatterns = [
    path("", views.sign_in, name="sign_in"),
    path("sign-in/by-code", sign_in_code_views.ByCode.as_view(), name="sign_in_by_code"),
    path("sign-in/code", sign_in_code_views.CodePage.as_view(), name="sign_in_code"),
    path("sign-in/delivery", sign_in_code_views.delivery, name="sign_in_delivery"),
    path("sign-in/resend", sign_in_code_views.resend, name="sign_in_resend"),
    path("home", views.home, name="home"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("recovery", views.recovery, name="recovery"),
]
