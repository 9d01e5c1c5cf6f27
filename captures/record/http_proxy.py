"""HTTP to a proxy: targets in absolute form, and tunnels by CONNECT, granted and refused.

Recorded between client (curl) and proxy (tinyproxy): two targets in absolute form; a tunnel to the web server
(nginx) in which plain HTTP goes on, one in which TLS does, and two that are refused: by the proxy's rules
(403), and because nobody listens there (500).

The truth file has for each of curl's transfers its client port, method, target, status of the CONNECT that
made the tunnel (null without one, or if the tunnel was there already), status and body bytes of the response,
and the error that curl logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capturing import Capture
from lab import Lab, run
from web import curl, nginx

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/http-proxy.pcap --report streams --report protocols"

PROXY, WEB, PROXY_PORT = "10.53.1.1", "10.53.2.2", 8888
TLS = """
ssl_certificate {folder}/web.crt;
ssl_certificate_key {folder}/web.key;
"""
TINYPROXY = """
Port {port}
Listen {address}
Timeout 60
MaxClients 20
ConnectPort 80
ConnectPort 443
ConnectPort 81
LogFile "{folder}/tinyproxy.log"
PidFile "{folder}/tinyproxy.pid"
"""


def tinyproxy(lab: Lab, host: Namespace) -> None:
    """Start the proxy."""
    lab.require("tinyproxy")
    configuration = lab.folder / "tinyproxy.conf"
    configuration.write_text(TINYPROXY.format(port=PROXY_PORT, address=PROXY, folder=lab.folder))
    program = lab.start(host, "tinyproxy", "-d", "-c", configuration)
    program.ready(lambda: host.listens(PROXY_PORT))


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("curl", "openssl")
    client, proxy, web = (lab.namespace(name) for name in ("browser", "proxy", "web"))
    lab.cable(client, proxy, ("10.53.1.2/24", f"{PROXY}/24"))
    lab.cable(proxy, web, ("10.53.2.1/24", f"{WEB}/24"), names=("eth1", "eth0"))
    key, certificate = lab.folder / "web.key", lab.folder / "web.crt"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=web.example")
    web.run("openssl", "req", "-x509", "-days", "3650", *curve, "-keyout", key, "-out", certificate)
    nginx(lab, web, f"{WEB}:80", f"{WEB}:443 ssl", locations=TLS.format(folder=lab.folder))
    tinyproxy(lab, proxy)
    capture = Capture(lab, client, "eth0", "http-proxy.pcap")
    through = ("-x", f"http://{PROXY}:{PROXY_PORT}")
    found = []
    for transfers in (
        [(*through, f"http://{WEB}/small.txt"), (*through, f"http://{WEB}/missing")],
        [(*through, "-p", f"http://{WEB}/small.txt"), (*through, "-p", f"http://{WEB}/missing")],
        [(*through, "-k", f"https://{WEB}/small.txt")],
        [(*through, "-p", f"http://{WEB}:25/")],
        [(*through, "-p", f"http://{WEB}:81/")],
    ):
        tunnel = "-p" in transfers[0] or "-k" in transfers[0]
        for got in curl(lab, client, *transfers, check=False):
            row = {
                "client_port": got["local_port"],
                "server_port": PROXY_PORT,
                "method": got["method"],
                "target": got["url"],
                "tunnel": tunnel,
                "connect_status": got["http_connect"] or None,
                "status": got["response_code"] or None,
                "body_bytes": got["size_download"],
                "error": got.get("errormsg"),
            }
            found.append(row)
    capture.finish(client.quiet, proxy.quiet, web.quiet)
    lab.truth["transfers"] = found


if __name__ == "__main__":
    run(record, __file__)
