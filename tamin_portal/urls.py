"""The address of every page, without host and port: a proxy decides those."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from mail.views import inbox_letter
from sms.views import inbox, receipt
from tamin_portal import views
from tamin_portal.design.views import design

handler400 = "tamin_portal.views.bad_request"
handler500 = "tamin_portal.views.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="sign_in")),
    path("portal", RedirectView.as_view(pattern_name="sign_in")),
    path("portal/status", RedirectView.as_view(pattern_name="registration_status")),  # short, for SMS
    # About the portal as a whole, so of the shell: they name pages of every app.
    path("portal/guide", views.guide, name="guide"),
    path("portal/help/privacy", views.privacy, name="help_privacy"),
    path("portal/help/accessibility", views.accessibility, name="help_accessibility"),
    path("portal/", include("accounts.urls")),
    path("portal/registration", include("registration.urls")),
    path("portal/inbox/", inbox, {"template": "portal/inbox.html"}, name="inbox"),
    path("portal/design/", design, name="design"),
    path("portal/inbox/letters/<int:number>/", inbox_letter, name="inbox_letter"),
    path("sms/receipts/<str:gateway>/<str:token>/", receipt, name="sms_receipt"),
    path("sms/receipts/<str:gateway>/<str:token>", receipt),  # as gateways' consoles cut it
    path("", include("openid.urls")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path("readyz", views.readyz),
    path("healthz", views.healthz),
]
