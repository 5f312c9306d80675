"""The addresses of OpenID Connect."""

from django.urls import path
from django.views.generic import RedirectView

from openid.authorize import views as authorize_views
from openid.connected import views as connected_views
from openid.discovery import views as discovery_views
from openid.end_session import views as end_session_views
from openid.endpoints import views as endpoint_views

urlpatterns = [
    path("portal/profile/services", connected_views.connected, name="connected_services"),
    path("portal/profile/services/disconnect", connected_views.disconnect, name="connected_services_disconnect"),
    path(".well-known/openid-configuration", discovery_views.configuration, name="openid_configuration"),
    path(".well-known/oauth-authorization-server", discovery_views.configuration),
    path("openid/authorize", authorize_views.authorize, name="openid_authorize"),
    path("openid/authorize/<str:handle>", authorize_views.go_on, name="openid_go_on"),
    path("to/<str:handle>", RedirectView.as_view(pattern_name="openid_go_on"), name="openid_to_service"),  # for SMS
    path("openid/par", endpoint_views.push, name="openid_par"),
    path("openid/jwks", discovery_views.jwks, name="openid_jwks"),
    path("openid/end-session", end_session_views.end_session, name="openid_end_session"),
    path("openid/end-session/confirm", end_session_views.confirm, name="openid_end_session_confirm"),
    path("openid/signed-out", end_session_views.signed_out, name="openid_signed_out"),
    path("openid/token", endpoint_views.token, name="openid_token"),
    path("openid/introspect", endpoint_views.introspect, name="openid_introspect"),
    path("openid/revoke", endpoint_views.revoke, name="openid_revoke"),
    path("openid/userinfo", endpoint_views.userinfo, name="openid_userinfo"),
]
