"""/portal/…: sign-in, home, sign-out, recovery."""

from django.urls import path

from accounts import device_views, history_views, views

urlpatterns = [
    path("", views.sign_in, name="sign_in"),
    path("home", views.home, name="home"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("recovery", views.recovery, name="recovery"),
    path("profile/devices", device_views.devices, name="profile_devices"),
    path("profile/devices/end", device_views.end_session, name="profile_devices_end"),
    path("profile/devices/end-others", device_views.end_other_sessions, name="profile_devices_end_others"),
    path("profile/devices/forget", device_views.forget_device, name="profile_devices_forget"),
    path("profile/history", history_views.history, name="profile_history"),
    path("session/stay", device_views.stay, name="session_stay"),
]
