"""The addresses under /portal/: sign-in, home, sign-out, profile, recovery, branches."""

from django.urls import path

from accounts.closing import views as closing_views
from accounts.home import views as home_views
from accounts.profile.views import devices as profile_device_views
from accounts.profile.views import email as profile_email_views
from accounts.profile.views import history as profile_history_views
from accounts.profile.views import mobile as profile_mobile_views
from accounts.profile.views import profile as profile_views
from accounts.recovery.views import branches as recovery_branch_views
from accounts.recovery.views import recovery as recovery_views
from accounts.sessions import views as session_views
from accounts.sessions.store import renews_itself
from accounts.sign_in.views import again as sign_in_again_views
from accounts.sign_in.views import code as sign_in_code_views
from accounts.sign_in.views import password as sign_in_password_views

urlpatterns = [
    path("", sign_in_password_views.sign_in, name="sign_in"),
    path("sign-in/by-code", sign_in_code_views.ByCode.as_view(), name="sign_in_by_code"),
    path("sign-in/code", renews_itself(sign_in_code_views.CodePage.as_view()), name="sign_in_code"),
    path("sign-in/delivery", sign_in_code_views.delivery, name="sign_in_delivery"),
    path("sign-in/proof", sign_in_code_views.proof, name="sign_in_proof"),
    path("sign-in/resend", sign_in_code_views.resend, name="sign_in_resend"),
    path("sign-in/again", renews_itself(sign_in_again_views.again), name="sign_in_again"),
    path("sign-in/again/send", sign_in_again_views.send, name="sign_in_again_send"),
    path("sign-in/as-another", sign_in_again_views.as_another, name="sign_in_as_another"),
    path("home", home_views.home, name="home"),
    path("sign-out", home_views.sign_out, name="sign_out"),
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
    path("profile/devices", profile_device_views.devices, name="profile_devices"),
    path("profile/devices/end", profile_device_views.end_session, name="profile_devices_end"),
    path("profile/devices/end-others", profile_device_views.end_other_sessions, name="profile_devices_end_others"),
    path("profile/devices/forget", profile_device_views.forget_device, name="profile_devices_forget"),
    path("profile/history", profile_history_views.history, name="profile_history"),
    path("session/stay", session_views.stay, name="session_stay"),
    path("session/go-on", session_views.go_on, name="session_go_on"),
    path("recovery", recovery_views.recovery, name="recovery"),
    path("recovery/code", recovery_views.code, name="recovery_code"),
    path("recovery/proof", recovery_views.proof, name="recovery_proof"),
    path("recovery/resend", recovery_views.resend, name="recovery_resend"),
    path("recovery/answer", recovery_views.answer, name="recovery_answer"),
    path("recovery/wait", recovery_views.wait, name="recovery_wait"),
    path("recovery/waiting", recovery_views.waiting, name="recovery_waiting"),
    path("recovery/password", recovery_views.password, name="recovery_password"),
    path("recovery/branch", recovery_branch_views.recovery_branch, name="recovery_branch"),
    path("branches", recovery_branch_views.branches, name="branches"),
    path("not-me/<str:token>", closing_views.not_me, name="not_me"),
]
