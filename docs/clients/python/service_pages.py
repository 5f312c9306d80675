"""The service's pages, in Persian. What the portal said is escaped; a page holds no script."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

import jdatetime
from portal_client import BY_CODE, BY_PASSWORD, Claims, SignIn
from service_sessions import Session

NAME = "سوابق بیمه (نمونه)"
TEHRAN = ZoneInfo("Asia/Tehran")
MONTHS = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
GENDERS = {"female": "زن", "male": "مرد"}
HOW_SURE = {
    BY_PASSWORD: "با گذرواژه",
    BY_CODE: "با گذرواژه و کد شناسه‌ای که به تلفن همراه شما پیامک شد",
}
EVIDENCE = {
    "electronic_record": "ثبت احوال مشخصات شما را تأیید کرده است",
    "document": "کارمند شعبه مدارک هویتی شما را دیده است",
}
RECORDS = (("۱۴۰۱", "کارگاه نمونه الف", "۳۶۵"), ("۱۴۰۲", "کارگاه نمونه الف", "۲۱۰"), ("۱۴۰۳", "کارگاه نمونه ب", "۱۸۶"))
FAILED = {
    "access_denied": "شما نپذیرفتید که مشخصاتتان به این سرویس گفته شود. این بار چیزی به آن گفته نشد.",
    "login_required": "هنوز وارد سامانه ثبت نام نشده‌اید.",
    "forgotten": "این ورود تمام نشده بود و دیگر اعتبار ندارد. دوباره وارد شوید.",
    "refused": "پاسخی که رسید آن نبود که این سرویس خواسته بود. دوباره وارد شوید.",
    "away": "سامانه ثبت نام اکنون پاسخ نمی‌دهد. چند دقیقه دیگر دوباره تلاش کنید.",
}
_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def welcome(portal: str, session: Session | None) -> str:
    """The first page of somebody who is not signed in here."""
    said = ""
    if session is not None and session.was_ended:
        said = _notice(
            "<strong>از سامانه ثبت نام خارج شدید.</strong> سامانه به این سرویس خبر داد و ورود شما در اینجا هم تمام شد."
        )
    return _page(
        "خوش آمدید",
        f"""{said}<p>این سرویس ساختگی است. نشان می‌دهد که حساب کاربری شما در سامانه ثبت نام، سرویس‌های دیگر سازمان را هم باز می‌کند:
        اینجا نه ثبت نام می‌کنید و نه گذرواژه‌ای وارد می‌کنید.</p>
        <p class="ways"><a class="button" href="/login">ورود با حساب سامانه ثبت نام</a></p>""",
        portal,
    )


def home(portal: str, session: Session, sign_in: SignIn) -> str:
    """What the service was told, how sure it is, and the ways on."""
    name = escape(str(sign_in.citizen.get("name", "")))
    return _page(
        f"سلام {name}",
        f"""<section><h2>سامانه ثبت نام به این سرویس گفته است</h2>{_facts(_told(sign_in.citizen))}</section>
        <section><h2>چقدر مطمئن است</h2>{_facts(_how_sure(sign_in))}</section>
        <section><h2>ریز سوابق</h2>
        <p>برای دیدن ریز سوابق، گذرواژه کافی نیست: سامانه یک کد شناسه هم به تلفن همراه شما می‌فرستد.</p>
        <p class="ways"><a class="button" href="/records">دیدن ریز سوابق</a></p></section>
        <section><h2>خروج</h2>
        <p>خروج از این سرویس، ورود شما به سامانه را نگه می‌دارد. خروج از همه، در سامانه و در همه سرویس‌هایی که با آن وارد شده‌اید، ورود شما را تمام می‌کند.</p>
        <div class="ways">{_button("/logout", "خروج از این سرویس", session)}
        {_button("/logout-everywhere", "خروج از همه", session)}</div></section>
        <section><h2>برای برنامه‌نویس</h2>
        <p><a class="way" href="/login?prompt=consent">دیدن صفحه‌ای که می‌پرسد چه چیزهایی به این سرویس گفته شود</a></p>
        {_raw("ID token", sign_in.said)}{_raw("userinfo", sign_in.citizen)}</section>""",
        portal,
    )


def records(portal: str, sign_in: SignIn) -> str:
    """The page that needs a code by SMS."""
    lines = "".join(
        f"<tr><td>{year}</td><td>{escape(workshop)}</td><td>{days}</td></tr>" for year, workshop, days in RECORDS
    )
    return _page(
        "ریز سوابق",
        f"""<p>این صفحه فقط پس از کد شناسه باز می‌شود. این اعداد ساختگی است.</p>
        <table><thead><tr><th scope="col">سال</th><th scope="col">کارگاه</th><th scope="col">روز</th></tr></thead>
        <tbody>{lines}</tbody></table>
        {_facts(_how_sure(sign_in))}
        <p class="ways"><a class="button quiet" href="/">بازگشت</a></p>""",
        portal,
    )


def not_sure_enough(portal: str) -> str:
    """The portal answered a wish for a code with a sign-in by password: a wish is not an order."""
    return _page(
        "ریز سوابق",
        """<p>این صفحه فقط پس از کد شناسه باز می‌شود و این ورود با گذرواژه بود.</p>
        <p class="ways"><a class="button quiet" href="/">بازگشت</a></p>""",
        portal,
    )


def signed_out(portal: str) -> str:
    """After the sign-out that began here."""
    return _page(
        "خارج شدید",
        """<p>از این سرویس خارج شدید.</p>
        <p class="ways"><a class="button" href="/login">ورود دوباره</a></p>""",
        portal,
    )


def failed(portal: str, code: str) -> str:
    """The sign-in came to nothing; `code` is the portal's or one of `FAILED`."""
    said = FAILED.get(code, "ورود انجام نشد. دوباره تلاش کنید.")
    return _page(
        "ورود انجام نشد",
        f"""<p>{said}</p><p class="note" dir="ltr" lang="en"><code>{escape(code[:100])}</code></p>
        <p class="ways"><a class="button" href="/login">تلاش دوباره</a> <a class="button quiet" href="/">بازگشت</a></p>""",
        portal,
    )


def not_found(portal: str) -> str:
    return _page("این صفحه وجود ندارد", '<p class="ways"><a class="button" href="/">صفحه اول این سرویس</a></p>', portal)


def jalali(text: str) -> str:
    """A date of `birthdate_jalali`, or as much of it as there is, in words."""
    year, month, day = [*text.split("-"), "", ""][:3]
    words = [day.lstrip("0"), MONTHS[int(month) - 1] if month else "", year]
    return " ".join(word for word in words if word).translate(_PERSIAN)


def moment(at: dt.datetime) -> str:
    """A moment in Tehran, Jalali."""
    local = at.astimezone(TEHRAN)
    date = jdatetime.date.fromgregorian(date=local.date())
    return f"{jalali(f'{date.year}-{date.month:02}-{date.day:02}')}، ساعت {f'{local:%H:%M}'.translate(_PERSIAN)}"


def _told(citizen: Claims) -> Iterable[tuple[str, str]]:
    yield "نام", escape(str(citizen.get("name", "")))
    yield "تاریخ تولد", jalali(str(citizen["birthdate_jalali"])) if "birthdate_jalali" in citizen else ""
    yield "جنسیت", GENDERS.get(str(citizen.get("gender")), "")
    proven = " (تأیید شده)" if citizen.get("phone_number_verified") else ""
    phone = str(citizen.get("phone_number", "")).replace("+98", "0", 1)
    yield "تلفن همراه", f"{_number(phone)}{proven}" if phone else ""
    yield "کد ملی", _number(str(citizen.get("national_id", "")))
    yield "شناسه شما در این سرویس", f'<code dir="ltr">{escape(str(citizen["sub"]))}</code>'


def _how_sure(sign_in: SignIn) -> Iterable[tuple[str, str]]:
    yield "ورود", HOW_SURE.get(sign_in.said["acr"], escape(str(sign_in.said["acr"])))
    yield "زمان ورود", moment(dt.datetime.fromtimestamp(sign_in.said["auth_time"], dt.UTC))
    verification = (sign_in.citizen.get("verified_claims") or {}).get("verification")
    if not verification:
        yield "هویت", "سامانه نگفته است که هویت شما چگونه تأیید شده است"
        return
    kind = verification["evidence"][0]["type"]
    when = moment(dt.datetime.fromisoformat(verification["time"]))
    yield "هویت", f"{EVIDENCE.get(kind, escape(str(kind)))} ({when})"


def _number(text: str) -> str:
    return f'<span dir="ltr">{escape(text).translate(_PERSIAN)}</span>' if text else ""


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in rows if value)
    return f"<dl>{lines}</dl>"


def _raw(title: str, said: Any) -> str:
    text = escape(json.dumps(said, ensure_ascii=False, indent=2))
    return f'<details><summary><bdi lang="en">{title}</bdi></summary><pre dir="ltr">{text}</pre></details>'


def _button(path: str, text: str, session: Session) -> str:
    return (
        f'<form method="post" action="{path}"><input type="hidden" name="form_key" value="{session.form_key}">'
        f'<button class="button quiet" type="submit">{text}</button></form>'
    )


def _notice(text: str) -> str:
    return f'<p class="notice" role="status">{text}</p>'


def _page(heading: str, main: str, portal: str) -> str:
    return f"""<!doctype html>
<html lang="fa" dir="rtl">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading} | {NAME}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><a href="/">{NAME}</a></header>
<main><h1>{heading}</h1>
{main}
</main>
<footer><a href="{escape(portal)}/portal/home">خدمات سازمان در سامانه ثبت نام</a></footer>
</body>
</html>
"""
