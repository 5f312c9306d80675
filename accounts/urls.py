"""/portal/…: sign-in, home, sign-out, recovery, profile."""

from django.urls import path

from accounts import profile_email_views, profile_mobile_views, profile_views, views

urlpatterns = [
    path("", views.sign_in, name="sign_in"),
    path("home", views.home, name="home"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("recovery", views.recovery, name="recovery"),
    path("profile", profile_views.profile, name="profile"),
    path("profile/password", profile_views.password, name="profile_password"),
    path("profile/question", profile_views.question, name="profile_question"),
    path("profile/sign-in-code", profile_views.sign_in_code, name="profile_sign_in_code"),
    path("profile/email", profile_email_views.email, name="profile_email"),
    path("email/<str:token>", profile_email_views.confirm, name="email_confirm"),
    path("profile/mobile", profile_mobile_views.mobile, name="profile_mobile"),
    path("profile/mobile/code", profile_mobile_views.code, name="profile_mobile_code"),
    path("profile/mobile/resend", profile_mobile_views.resend, name="profile_mobile_resend"),
    path("profile/mobile/wait", profile_mobile_views.wait, name="profile_mobile_wait"),
    path("profile/mobile/progress", profile_mobile_views.progress, name="profile_mobile_progress"),
]
