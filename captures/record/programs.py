"""The programs that recordings use: where they come from and which version is here."""

from __future__ import annotations

import re
import shutil
import subprocess

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

PACKAGES = {
    "ab": "apache2-utils",
    "dig": "dnsutils",
    "dnsmasq": "dnsmasq-base",
    "dumpcap": "wireshark-common",
    "ip": "iproute2",
    "ip6tables": "iptables",
    "logger": "bsdutils",
    "mergecap": "wireshark-common",
    "named": "bind9",
    "nmbd": "samba",
    "nmblookup": "samba-common-bin",
    "node": "nodejs",
    "ping": "iputils-ping",
    "python3": "python3",
    "redis-cli": "redis-tools",
    "ssh": "openssh-client",
    "ss": "iproute2",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "tinyproxy": "tinyproxy-bin",
}
"""Debian package of each program that is not called like its package."""

VERSIONS = {
    "ab": (["ab", "-V"], r"Version (\S+)"),
    "chromium": (["chromium", "--version"], r"Chromium (\S+)"),
    "curl": (["curl", "--version"], r"curl (\S+)"),
    "dig": (["dig", "-v"], r"DiG ([0-9.]+)"),
    "dnsmasq": (["dnsmasq", "--version"], r"version (\S+)"),
    "dumpcap": (["dumpcap", "--version"], r"\(Wireshark\) ([0-9.]+)"),
    "iptables": (["iptables", "--version"], r"v([0-9.]+)"),
    "nginx": (["nginx", "-v"], r"nginx/(\S+)"),
    "avahi-daemon": (["avahi-daemon", "--version"], r"avahi-daemon (\S+)"),
    "logger": (["logger", "--version"], r"util-linux (\S+)"),
    "named": (["named", "-v"], r"BIND (\S+)"),
    "mergecap": (["mergecap", "--version"], r"\(Wireshark\) ([0-9.]+)"),
    "nmblookup": (["nmblookup", "--version"], r"Version (\S+)"),
    "systemd-resolved": (["resolvectl", "--version"], r"systemd (\d+)"),
    "node": (["node", "--version"], r"v(\S+)"),
    "ping": (["ping", "-V"], r"iputils (\S+)"),
    "redis-server": (["redis-server", "--version"], r"v=(\S+)"),
    "ss": (["ss", "-V"], r"iproute2-(\S+)"),
    "ssh": (["ssh", "-V"], r"OpenSSH_([^\s,]+)"),
    "sshd": (["sshd", "-V"], r"OpenSSH_([^\s,]+)"),
    "tcpdump": (["tcpdump", "--version"], r"tcpdump version (\S+)"),
    "openssl": (["openssl", "version"], r"OpenSSL (\S+)"),
    "tinyproxy": (["tinyproxy", "-v"], r"tinyproxy (\S+)"),
}
"""For programs whose traffic or output is in the captures: how to ask for the version, how to read it."""

HOMES = {
    "Linux": "https://www.kernel.org",
    "Python": "https://www.python.org",
    "ab": "https://httpd.apache.org/docs/2.4/programs/ab.html",
    "brotli": "https://github.com/google/brotli",
    "avahi-daemon": "https://avahi.org",
    "chromium": "https://www.chromium.org",
    "curl": "https://curl.se",
    "dig": "https://www.isc.org/bind/",
    "dnsmasq": "https://thekelleys.org.uk/dnsmasq/doc.html",
    "dumpcap": "https://www.wireshark.org",
    "iptables": "https://www.netfilter.org",
    "logger": "https://github.com/util-linux/util-linux",
    "mergecap": "https://www.wireshark.org",
    "named": "https://www.isc.org/bind/",
    "nginx": "https://nginx.org",
    "nmblookup": "https://www.samba.org",
    "node": "https://nodejs.org",
    "ping": "https://github.com/iputils/iputils",
    "openssl": "https://openssl-library.org",
    "redis-server": "https://redis.io",
    "ss": "https://wiki.linuxfoundation.org/networking/iproute2",
    "scapy": "https://scapy.net",
    "ssh": "https://www.openssh.com",
    "sshd": "https://www.openssh.com",
    "systemd-resolved": "https://systemd.io",
    "tcpdump": "https://www.tcpdump.org",
    "tinyproxy": "https://tinyproxy.github.io",
    "websockets": "https://websockets.readthedocs.io",
    "zstandard": "https://github.com/indygreg/python-zstandard",
}


def version(name: str) -> str:
    """The version of a program, as it tells it; ``unknown`` if it tells it in an unknown way."""
    argv, pattern = VERSIONS[name]
    path = shutil.which(argv[0], path=PATH) or argv[0]
    said = subprocess.run([path, *argv[1:]], capture_output=True, text=True, check=False)
    found = re.search(pattern, said.stdout + said.stderr)
    return found[1] if found else "unknown"
