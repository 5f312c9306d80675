"""/portal/…: sign-in, home, sign-out, recovery."""

from django.urls import path

from accounts import not_me_views, views

urlpatterns = [
    path("", views.sign_in, name="sign_in"),
    path("home", views.home, name="home"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("recovery", views.recovery, name="recovery"),
    path("not-me/<str:token>", not_me_views.not_me, name="not_me"),
]
