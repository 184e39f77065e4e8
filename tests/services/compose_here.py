"""The services of `docker-compose.yml` on this machine: each with its command, user and environment, on loopback.

What the file says is taken from it: commands, environment, users, volumes, secrets, what may be written, the
database's options, the lines that make the secrets. Where root may make a namespace of mounts, a service sees what its
container would: a root that is read-only, its own volumes and secrets at their places, none of the other services'.
Elsewhere it runs as this process's user and its places are put into its command and environment instead. Ports are
free ones of this machine.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml
from ravenstvo.settings import PROJECT_ROOT, get_settings
from ravenstvo.warehouse.account import BINARIES

COMPOSE = PROJECT_ROOT / "docker-compose.yml"
# Ports of the services inside their containers.
_PORTS = {"postgres": 5432, "redis": 6379, "api-server": 8080, "superset": 8088}
# Users of the images by their numbers.
_USERS = {"10001:10001": 10001, "postgres": 10002, "redis": 10003}
# As the images have them; Airflow asks for the name of its user.
_ACCOUNTS = "".join(
    f"{name}:x:{uid}:{uid}::/nonexistent:/bin/sh\n"
    for name, uid in (("ravenstvo", 10001), ("postgres", 10002), ("redis", 10003))
)
_HOSTS = f"127.0.0.1 localhost {' '.join(_PORTS)}\n"
# A root of its own on top of this machine's, whose changes go with it; then what is mounted, line by line; then
# nothing but that may be written. After it the words of the command.
_CONTAINER = """
place=$1 mounts=$2 accounts=$3 hosts=$4; shift 4
mount -t tmpfs -o mode=755 tmpfs "$place"
mkdir "$place/upper" "$place/work" "$place/root"
root=$place/root
mount -t overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" overlay "$root"
chmod a+x "$root/root"
{ printf %s "$accounts"; cat /etc/passwd; } > "$root/etc/passwd"
printf %s "$hosts" > "$root/etc/hosts"
for folder in proc dev sys; do mount --rbind "/$folder" "$root/$folder"; done
printf %s "$mounts" | while IFS='|' read -r kind source target options; do
  # A link leads inside: /var/run is /run.
  target=$(chroot "$root" realpath -m "$target")
  if [ -f "$source" ]; then mkdir -p "$root${target%/*}"; touch "$root$target"; else mkdir -p "$root$target"; fi
  if [ "$kind" = tmpfs ]; then mount -t tmpfs -o "$options" tmpfs "$root$target"
  else mount --bind "$source" "$root$target"; mount -o "remount,bind,$options" "$root$target"; fi
done
mount -o remount,ro "$root"
exec chroot "$root" "$@"
"""


class Here:
    """A folder with the volumes and secrets of the file, and the services that were started of it."""

    def __init__(self) -> None:
        self.file: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
        self.root = Path(tempfile.mkdtemp(prefix="ravenstvo-compose-", dir="/tmp"))
        self.ports = _free_ports()
        self.dotenv: dict[str, str] = {}
        """What the file .env would hold."""
        self.running: dict[str, psutil.Popen] = {}
        for name in (*self.file["volumes"], "inbox", "tmp", "logs", "namespace"):
            (self.root / name).mkdir(mode=0o700)
        subprocess.run(["sh", "-euc", _secret_lines()], cwd=self.root, check=True)
        self.secrets = {file.name: file.read_text().strip() for file in (self.root / "secrets").iterdir()}
        self.is_contained = False
        self.is_contained = self._can_contain()
        for name in self.secrets:
            file = self.root / "secrets" / name
            file.chmod(0o600)
            file.write_text(self._placed(file.read_text()))
            file.chmod(0o444)
        if self.is_contained:
            for folder in ("inbox", "state", "bi", "backups"):
                os.chown(self.root / folder, _USERS["10001:10001"], _USERS["10001:10001"])
            for folder, user in (("warehouse", "postgres"), ("queue", "redis")):
                os.chown(self.root / folder, _USERS[user], _USERS[user])

    @property
    def home(self) -> Path:
        return self.root / "state"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def database_url(self, secret: str) -> str:
        """Of a secret, as this process reaches it."""
        return (self.root / "secrets" / secret).read_text().strip().replace("@postgres:", "@127.0.0.1:")

    def give(self, path: Path) -> None:
        """Make a file or folder of the inbox readable for the services."""
        for one in (path, *path.rglob("*")):
            one.chmod(0o755 if one.is_dir() else 0o644)

    def run(self, name: str, words: list[str] | None = None, seconds: int = 180) -> subprocess.CompletedProcess[str]:
        """Run a service's command, or another one in its container, to its end."""
        return subprocess.run(
            self._command(name, words or self.file["services"][name]["command"]),
            **{"env": self._environment(name), "cwd": self.root, "timeout": seconds},
            **{"capture_output": True, "text": True, "check": False},
        )

    def start(self, *names: str) -> None:
        """Start services, each in a session of its own."""
        for name in names:
            words = list(self.file["services"][name]["command"])
            if name == "postgres":
                words += self._make_cluster()
            elif name == "redis":
                words += ["--port", str(self.ports["redis"]), "--dir", self._at("/data", name), "--bind", "127.0.0.1"]
            with (self.root / "logs" / f"{name}.log").open("ab") as log:
                self.running[name] = psutil.Popen(
                    self._command(name, words),
                    **{"env": self._environment(name), "cwd": self.root, "stdin": subprocess.DEVNULL},
                    **{"stdout": log, "stderr": log, "start_new_session": True},
                )

    def wait_healthy(self, *names: str, seconds: int = 180) -> None:
        """Wait until the file's own checks find the services healthy."""
        waiting, deadline = list(names), time.monotonic() + seconds
        while waiting:
            for name in list(waiting):
                assert self.running[name].poll() is None, (name, self.log(name))
                if self.is_healthy(name):
                    waiting.remove(name)
            assert time.monotonic() < deadline, {name: self.log(name) for name in waiting}
            time.sleep(1.5)

    def is_healthy(self, name: str) -> bool:
        test = self.file["services"][name]["healthcheck"]["test"]
        assert test[0] == "CMD"
        words = list(test[1:])
        if name in ("postgres", "redis"):
            words[1:1] = ["-p", str(self.ports[name])]
        return self.run(name, words).returncode == 0

    def kill(self, name: str) -> None:
        """End a service as the end of its container does: all processes at once, none of them asked."""
        leader = self.running.pop(name)
        family: set[psutil.Process] = set()
        # All stand still first, so that none can start another meanwhile.
        with contextlib.suppress(psutil.NoSuchProcess):
            while new := {leader, *leader.children(recursive=True)} - family:
                _signal(new, signal.SIGSTOP)
                family |= new
        _signal(family, signal.SIGKILL)
        psutil.wait_procs(family, timeout=30)

    def stop(self, name: str) -> None:
        """Stop a service as Docker does: SIGTERM, and after a while SIGKILL."""
        leader = self.running[name]
        leader.terminate()
        with contextlib.suppress(psutil.TimeoutExpired):
            leader.wait(timeout=60)
        self.kill(name)

    def log(self, name: str) -> str:
        return (self.root / "logs" / f"{name}.log").read_text(errors="replace")[-4000:]

    def remove(self) -> None:
        for name in tuple(self.running):
            self.kill(name)
        shutil.rmtree(self.root, ignore_errors=True)

    def _environment(self, name: str) -> dict[str, str]:
        """What the service's container has in its environment, and nothing of this process."""
        service = self.file["services"][name]
        given = {key: self._placed(str(value), name) for key, value in service.get("environment", {}).items()}
        # As the Dockerfile has it.
        image = {"PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self._at("/tmp", name)}
        image |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        image |= {key: os.environ[key] for key in ("PYTHONPATH", "RAVENSTVO_BI_ENVIRONMENT") if key in os.environ}
        if not self.is_contained:
            image |= {
                f"{target.upper()}_FILE": str(source)
                for source, target in self._secrets_of(name)
                if target.startswith("ravenstvo")
            }
        return image | given

    def _secrets_of(self, name: str) -> list[tuple[Path, str]]:
        """Files of the service's secrets, and their names in its container."""
        found = [one if isinstance(one, dict) else {"source": one} for one in self.file["services"][name]["secrets"]]
        return [(self.root / "secrets" / one["source"], one.get("target", one["source"])) for one in found]

    def _command(self, name: str, words: list[str]) -> list[str]:
        words = [self._placed(word, name) for word in words]
        if (BINARIES / words[0]).exists():
            words[0] = str(BINARIES / words[0])
        return self._contained(name, words) if self.is_contained else words

    def _contained(self, name: str, words: list[str]) -> list[str]:
        """Words that run others in what the service's container is."""
        service = self.file["services"][name]
        uid = _USERS[service["user"]]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        mounts = [
            ("tmpfs", "-", *(one.split(":") if ":" in one else (one, "mode=1777"))) for one in service.get("tmpfs", [])
        ]
        # The project and its Python, wherever they lie, are not to be written.
        given = [PROJECT_ROOT, sys.prefix, sys.base_prefix, *os.environ.get("PYTHONPATH", "").split(":")]
        given += [get_settings().bi_environment]
        mounts += [("bind", str(path), str(path), "ro") for path in map(Path, given) if path.is_absolute()]
        for source, target in self._secrets_of(name):
            mounts.append(("bind", str(source), f"/run/secrets/{target}", "ro"))
        for source, target, *mode in (volume.split(":") for volume in service["volumes"]):
            mounts.append(("bind", str(self.root / source.removeprefix("./")), target, *(mode or ["rw"])))
        table = "".join("|".join(one) + "\n" for one in mounts if one[0] == "tmpfs" or Path(one[1]).exists())
        return [
            *("unshare", "--mount", "--propagation", "private", "sh", "-euc", _CONTAINER, "sh"),
            *(str(self.root / "namespace"), table, _ACCOUNTS, _HOSTS),
            *("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"),
            *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", *words),
        ]

    def _can_contain(self) -> bool:
        """Whether this is root, who may make namespaces and become other users."""
        if os.geteuid() != 0 or not all(map(shutil.which, ("setpriv", "unshare"))):
            return False
        tried = subprocess.run(self._contained("migrate", ["true"]), capture_output=True, text=True, check=False)
        return tried.returncode == 0

    def _at(self, path: str, name: str) -> str:
        """Where a path of the service's container is for its processes."""
        if self.is_contained:
            return path
        volumes = dict(reversed(volume.split(":")[:2]) for volume in self.file["services"][name]["volumes"])
        volumes |= {"/tmp": "tmp", "/run/secrets": "secrets", "/var/run/postgresql": "tmp"}
        for target in sorted(volumes, key=len, reverse=True):
            if path == target or path.startswith(f"{target}/"):
                return str(self.root / volumes[target].removeprefix("./")) + path[len(target) :]
        return path

    def _placed(self, text: str, name: str = "migrate") -> str:
        """A word of the file as it is here."""
        text = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: self.dotenv.get(found[1], found[2]), text)
        for service, port in _PORTS.items():
            here = str(self.ports[service])
            host = service if self.is_contained else "127.0.0.1"
            text = re.sub(rf"([@/]){service}:{port}\b", rf"\g<1>{host}:{here}", text)
            text = text.replace(f"localhost:{port}", f"localhost:{here}")
            text = here if text == str(port) else text
        text = "127.0.0.1" if text == "0.0.0.0" else text
        return self._at(text, name) if text.startswith("/") else text

    def _make_cluster(self) -> list[str]:
        """What the image's entrypoint does before: make the cluster, its user and database, of the file's settings.

        Returns the server's options that say where it is.
        """
        data, given = self._at("/var/lib/postgresql/18/docker", "postgres"), self._environment("postgres")
        if not (self.root / "warehouse" / "18").exists():
            # As the image has it: open on its socket, by password over the network.
            words = ["initdb", "-D", data, f"--username={given['POSTGRES_USER']}", "--no-instructions"]
            words += [f"--pwfile={given['POSTGRES_PASSWORD_FILE']}", "--auth-local=trust", "--auth-host=scram-sha-256"]
            made = self.run("postgres", [*words, *shlex.split(given["POSTGRES_INITDB_ARGS"])])
            assert made.returncode == 0, made.stderr
            subprocess.run(
                self._command("postgres", ["postgres", "--single", "-D", data, "postgres"]),
                **{"env": given, "cwd": self.root, "input": f"create database {given['POSTGRES_DB']};\n"},
                **{"text": True, "check": True, "capture_output": True},
            )
        return ["-D", data, "-p", str(self.ports["postgres"]), "-k", self._at("/var/run/postgresql", "postgres")]


def _secret_lines() -> str:
    """The commands that make the secrets, as the head of the file tells them to an operator."""
    head = COMPOSE.read_text(encoding="utf-8").split("\nname:")[0]
    lines = [line.removeprefix("#   ") for line in head.splitlines() if line.startswith("#   ")]
    first, last = lines.index("install -d -m 0700 secrets"), lines.index("chmod 0444 secrets/*")
    return "\n".join(lines[first : last + 1])


def _signal(processes: set[psutil.Process], number: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _free_ports() -> dict[str, int]:
    with contextlib.ExitStack() as probes:
        found = {}
        for name in _PORTS:
            probe = probes.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            found[name] = probe.getsockname()[1]
        return found
