"""What the project is built of, and what it must not hold: locks with hashes, no secret in any file of it."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from ravenstvo.settings import PROJECT_ROOT

LOCKS = ("requirements.lock", "include/bi/requirements.lock", "include/spark/requirements.lock")
# The index and the machine that a lock was made with.
_WHENCE = re.compile(r"://|--(?:extra-)?index-url|(?<!\S)/\w")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\Z")

# What a secret looks like. A value that is made, asked for or empty is none.
SECRETS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY"),
    "cloud key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_\-]{35}\b"),
    "token": re.compile(r"\bgh[pousr]_[0-9A-Za-z]{36}|\bglpat-[0-9A-Za-z_\-]{20}|\bxox[abprs]-[0-9A-Za-z\-]{10,}"),
    "token of the web": re.compile(r"\beyJ[0-9A-Za-z_\-]{10,}\.eyJ[0-9A-Za-z_\-]{10,}\."),
    "address with a password": re.compile(r"://[\w.\-]+:(?!%s|пароль|password|\{)[^\s:@/{}$<>'\"]+@[\w\[]"),
    "key in hexadecimal": re.compile(r"(?<![\w:])[0-9a-f]{64}(?!\w)"),
    "assignment": re.compile(
        r"""(?ix) (?:password|passwd|secret|api_?key|fernet_key|jwt|пароль) [\w\-]* ["']?
        \s* [:=] \s* ["'] (?!/run/secrets) [^"'{}$<>%\s]{8,} ["']"""
    ),
}
# Files of numbers and fingerprints, where 64 digits are no key.
_FINGERPRINTS = re.compile(r"(?:^|/)requirements\.lock$|\.svg$|\.geojson$")
# What only looks like one, with the file that it stands in.
ALLOWED = {("tests/dbt/test_project.py", 'password": ' + '"PASSWORD"')}


def found(text: str) -> list[tuple[str, str]]:
    return [(kind, match[0]) for kind, pattern in SECRETS.items() for match in pattern.finditer(text)]


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT_ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("нет истории git: это не рабочая копия")
    return [PROJECT_ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_locked_to_one_version_by_hashes_from_the_index(lock: str) -> None:
    text = (PROJECT_ROOT / lock).read_text(encoding="utf-8")
    joined = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    entries = [line for line in joined if line and not line.startswith("#")]
    assert len(entries) > 50
    for entry in entries:
        package, *hashes = re.split(r"\s+(?=--hash)", entry)
        requirement = Requirement(package)
        assert requirement.url is None, entry
        assert [one.operator for one in requirement.specifier] == ["=="], entry
        assert hashes and all(_HASH.match(one) for one in hashes), entry


@pytest.mark.parametrize("lock", [*LOCKS, "bench/requirements.lock"])
def test_a_lock_names_neither_the_index_nor_the_machine_that_it_was_made_with(lock: str) -> None:
    assert _WHENCE.findall((PROJECT_ROOT / lock).read_text(encoding="utf-8")) == []


def test_no_secret_is_in_any_file_of_the_project() -> None:
    files = _tracked()
    assert len(files) > 500
    left = []
    for path in files:
        name = path.relative_to(PROJECT_ROOT).as_posix()
        if _FINGERPRINTS.search(name) or not path.is_file():
            continue
        for kind, value in found(path.read_bytes().decode("utf-8", errors="ignore")):
            if (name, value) not in ALLOWED:
                left.append((name, kind, value[:12]))
    assert left == []


# Put together here, so that this file holds none of them.
@pytest.mark.parametrize(
    "planted",
    [
        "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
        "AK" + "IA" + "ABCDEFGHIJKLMNOP",
        "gh" + "p_" + "a" * 36,
        "postgresql://ravenstvo" + ":hunter22@host/db",
        "key = " + "ab" * 32,
        'RAVENSTVO_PASSWORD: "' + 'correct-horse"',
        "password=" + "'correct-horse'",
    ],
)
def test_a_planted_secret_is_found(planted: str) -> None:
    assert found(f"some text\n{planted}\nmore") != []


def test_a_check_for_vulnerabilities_without_the_index_says_so_at_once() -> None:
    """Through a proxy that is not there: the stage is passed over, not failed."""
    nowhere = {f"{name}_proxy": "http://127.0.0.1:9" for name in ("http", "https", "HTTP", "HTTPS")}
    started = time.monotonic()
    done = subprocess.run(
        [str(PROJECT_ROOT / ".ci" / "audit")], env=os.environ | nowhere, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "пропущено: база уязвимостей недоступна\n"), done.stderr
    assert time.monotonic() - started < 20
