"""Giving up the rights of root once the packet socket is open."""

from __future__ import annotations

import os
import pkgutil
from importlib import import_module
from typing import NamedTuple

import netanalyze
from netanalyze.errors import NetanalyzeError, UsageError


class User(NamedTuple):
    """Who to become."""

    name: str
    uid: int
    gid: int


def user_to_be(name: str = "") -> User | None:
    """The user of this name; without one, the user who called sudo. None if there is nothing to give up.

    Raises:
        UsageError: there is no such user, or the process cannot become it.
    """
    if not hasattr(os, "geteuid"):
        if name:
            message = "--drop-to: this system has no users to become"
            raise UsageError(message)
        return None
    if name:
        user = _named(name)
        if os.geteuid() not in (0, user.uid):
            message = f"--drop-to {name}: only root can become another user"
            raise UsageError(message)
        return user if os.geteuid() == 0 and user.uid != 0 else None
    if os.geteuid() != 0:
        return None
    uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if not (uid.isdecimal() and gid.isdecimal()) or int(uid) == 0:
        return None
    return User(os.environ.get("SUDO_USER", uid), int(uid), int(gid))


def become(user: User) -> None:
    """Become this user for good.

    The rest of the program is loaded before: the user may not be allowed to read the folder that it is in.

    Raises:
        NetanalyzeError: it did not work, and nothing may go on.
    """
    for module in pkgutil.walk_packages(netanalyze.__path__, "netanalyze."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    try:
        groups = os.getgrouplist(user.name, user.gid)
    except (KeyError, OSError):
        groups = [user.gid]
    try:
        os.setgroups(groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError as error:
        message = f"cannot become user {user.name}: {error.strerror}"
        raise NetanalyzeError(message) from error
    if os.getresuid() != (user.uid,) * 3 or os.getresgid() != (user.gid,) * 3 or _root_again():
        message = f"the rights of root could not be given up for those of {user.name}"
        raise NetanalyzeError(message)


def _root_again() -> bool:
    """Whether there is a way back."""
    try:
        os.setresuid(0, 0, 0)
    except OSError:
        return False
    return True


def _named(name: str) -> User:
    import pwd  # noqa: PLC0415 - not there on Windows

    try:
        entry = pwd.getpwnam(name) if not name.isdecimal() else pwd.getpwuid(int(name))
    except (KeyError, OverflowError):
        message = f"--drop-to: no user {name!r}"
        raise UsageError(message) from None
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)
