"""/portal/…: sign-in, home, sign-out, recovery, profile."""

from django.urls import path

from accounts import (
    branch_views,
    device_views,
    history_views,
    not_me_views,
    profile_email_views,
    profile_mobile_views,
    profile_views,
    recovery_views,
    views,
)

urlpatterns = [
    path("", views.sign_in, name="sign_in"),
    path("home", views.home, name="home"),
    path("sign-out", views.sign_out, name="sign_out"),
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
    path("profile/devices", device_views.devices, name="profile_devices"),
    path("profile/devices/end", device_views.end_session, name="profile_devices_end"),
    path("profile/devices/end-others", device_views.end_other_sessions, name="profile_devices_end_others"),
    path("profile/devices/forget", device_views.forget_device, name="profile_devices_forget"),
    path("profile/history", history_views.history, name="profile_history"),
    path("session/stay", device_views.stay, name="session_stay"),
    path("recovery", recovery_views.recovery, name="recovery"),
    path("recovery/code", recovery_views.code, name="recovery_code"),
    path("recovery/resend", recovery_views.resend, name="recovery_resend"),
    path("recovery/answer", recovery_views.answer, name="recovery_answer"),
    path("recovery/wait", recovery_views.wait, name="recovery_wait"),
    path("recovery/waiting", recovery_views.waiting, name="recovery_waiting"),
    path("recovery/password", recovery_views.password, name="recovery_password"),
    path("recovery/branch", branch_views.recovery_branch, name="recovery_branch"),
    path("branches", branch_views.branches, name="branches"),
    path("not-me/<str:token>", not_me_views.not_me, name="not_me"),
]
