"""Which addresses a service may register: one spelling each, of hosts that everybody can reach."""

from __future__ import annotations

import pytest

from common.errors import PortalError
from openid import addresses, service_texts

REFUSED = {
    "address_empty": ["", "  "],
    "address_long": ["https://service.tamin.ir/" + "a" * 300],
    "address_wildcard": ["https://*.tamin.ir/callback", "https://service.tamin.ir/*", "https://service.tamin.ir/?a=*"],
    "address_fragment": ["https://service.tamin.ir/callback#", "https://service.tamin.ir/#x"],
    "address_characters": [
        "https://service.tamin.ir/a b",
        "https://service.tamin.ir\\@evil.ir/",
        "https://service.tamin.ir/\tcallback",
        "https://service.tamin.ir/بازگشت",
        "https://service.tamin.ir/<script>",
        "https://service.tamin.ir/a\nb",
        "https://service.tamin.ir/a\0",
    ],
    "address_no_address": ["https://[::1/", "https://service.tamin.ir:port/"],
    "address_no_https": [
        "http://service.tamin.ir/callback",
        "HTTPS://service.tamin.ir/callback",
        "javascript:alert(1)",
        "service.tamin.ir/callback",
        "//service.tamin.ir/callback",
        "ir.tamin.app:/callback",
        "https:///callback",
        "https:service.tamin.ir/callback",
        "http://127.0.0.1/callback",
        "ftp://service.tamin.ir/",
    ],
    "address_userinfo": [
        "https://tamin@service.tamin.ir/",
        "https://service.tamin.ir:443@evil.ir/",
        "https://@tamin.ir/",
    ],
    "address_ip": [
        "https://10.0.0.1/callback",
        "https://127.0.0.1/callback",
        "https://[::1]/callback",
        "https://2130706433/callback",
        "https://0x7f000001/callback",
        "https://0x7f.1/callback",
        "https://0177.0.0.01/callback",
        "https://[2001:db8::1]/callback",
    ],
    "address_internal": [
        "https://localhost/callback",
        "https://service.localhost/callback",
        "https://intranet/callback",
        "https://service.local/callback",
        "https://db.internal/callback",
    ],
    "address_host": [
        "https://service.tamin.ir./callback",
        "https://-service.tamin.ir/callback",
        "https://service..ir/callback",
        "https://ser_vice.tamin.ir/callback",
        "https://xn--a.ir/callback",
        "https://xn--99999999.ir/callback",
        "https://ser%76ice.tamin.ir/callback",
        "https://" + "a" * 64 + ".ir/callback",
    ],
    "address_port": [
        "https://service.tamin.ir:/callback",
        "https://service.tamin.ir:0/",
        "https://service.tamin.ir:08443/",
    ],
    "address_normal": [
        "https://Service.tamin.ir/callback",
        "https://service.tamin.ir:443/callback",
        "https://service.tamin.ir/%61",
        "https://service.tamin.ir/%c3%a9",
        "https://service.tamin.ir/?next=%7e",
    ],
    "address_no_path": ["https://service.tamin.ir", "https://service.tamin.ir?a=1"],
    "address_dots": [
        "https://service.tamin.ir/a/../callback",
        "https://service.tamin.ir/./callback",
        "https://service.tamin.ir//callback",
        "https://service.tamin.ir/callback/..",
    ],
    "address_encoded": [
        "https://service.tamin.ir/a%2Fb",
        "https://service.tamin.ir/a%5Cb",
        "https://service.tamin.ir/a%00",
        "https://service.tamin.ir/a%0D%0Ab",
        "https://service.tamin.ir/a%",
        "https://service.tamin.ir/a%4",
        "https://service.tamin.ir/a%zz",
    ],
    "address_parameter": [
        "https://service.tamin.ir/cb?code=1",
        "https://service.tamin.ir/cb?a=1&state=",
        "https://a.ir/?iss",
    ],
}


@pytest.fixture(autouse=True)
def real_service(settings):
    settings.DEMO = False


@pytest.mark.parametrize(("code", "typed"), [(code, each) for code, several in REFUSED.items() for each in several])
def test_an_address_that_is_not_exactly_one_of_the_internet_is_refused(code, typed):
    with pytest.raises(PortalError) as refused:
        addresses.check_redirect_uri(typed)
    assert refused.value.code == code
    assert "%(" not in service_texts.sentence(refused.value)


@pytest.mark.parametrize(
    "typed",
    [
        "https://service.tamin.ir/",
        "https://service.tamin.ir/callback",
        "https://service.tamin.ir:8443/callback/",
        "https://service.tamin.ir/oidc/callback?tenant=12&next=%2Fhome",
        "https://xn--mgbab2bd.ir/%D8%A8",
        "https://a-b.co/~user/cb;v=1",
    ],
)
def test_a_good_address_stays_as_it_was_typed(typed):
    assert addresses.check_redirect_uri(f" {typed} ") == typed


def test_a_host_in_persian_is_stored_as_browsers_send_it():
    assert addresses.check_redirect_uri("https://بیمه.ir/callback") == "https://xn--ngb2dg44c.ir/callback"
    assert addresses.check_redirect_uri("https://ＴＡＭＩＮ.ir/callback") == "https://tamin.ir/callback"
    assert addresses.check_redirect_uri("https://faß.de/").startswith("https://xn--fa-hia.de/")


@pytest.mark.parametrize("typed", ["http://127.0.0.1/callback", "http://[::1]/cb", "http://127.0.0.1:49152/cb"])
def test_an_app_may_come_back_to_its_own_machine(typed):
    assert addresses.check_redirect_uri(typed, is_public=True) == typed
    with pytest.raises(PortalError):
        addresses.check_redirect_uri(typed)


@pytest.mark.parametrize(
    "typed", ["http://localhost/cb", "http://127.1/cb", "https://127.0.0.1/cb", "http://10.0.0.1/cb"]
)
def test_an_app_has_no_other_way_to_write_its_own_machine(typed):
    with pytest.raises(PortalError):
        addresses.check_redirect_uri(typed, is_public=True)


@pytest.mark.parametrize(
    "check",
    [
        addresses.check_logout_uri,
        addresses.check_post_logout_uri,
        addresses.check_initiate_login_uri,
        addresses.check_home_page,
    ],
)
def test_the_other_addresses_keep_the_same_rules(check):
    for typed in ("http://service.tamin.ir/", "https://10.0.0.1/", "https://service.tamin.ir/#top"):
        with pytest.raises(PortalError):
            check(typed)
    assert check("https://service.tamin.ir/?code=1") == "https://service.tamin.ir/?code=1"


def test_a_demo_takes_services_of_this_machine_and_no_others_without_https(settings):
    settings.DEMO = True
    for typed in ("http://127.0.0.1:5000/callback", "http://localhost:5000/callback", "https://service.example/cb"):
        assert addresses.check_redirect_uri(typed) == typed
        assert addresses.check_logout_uri(typed) == typed
    for typed in ("http://service.tamin.ir/callback", "http://10.0.0.1/callback", "https://10.0.0.1/callback"):
        with pytest.raises(PortalError):
            addresses.check_redirect_uri(typed)
