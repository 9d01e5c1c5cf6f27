"""What conversations of each protocol look like, and what looks like them but is not.

Written from the specifications named in the protocols' files.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from app_streams import ANY_PORT, CLIENT, SERVER

from netanalyze.apps.protocol import TCP, UDP

Payloads = tuple[tuple[int, bytes], ...]


@dataclass(frozen=True)
class Example:
    """A conversation.

    Attributes:
        name: what it is called; for a counterexample what it must not be called.
        transport: tcp or udp.
        payloads: who sends what; over UDP a datagram each.
        port: the server's.
    """

    name: str
    transport: str
    payloads: Payloads
    port: int = ANY_PORT

    def __str__(self) -> str:
        """For the names of the tests."""
        return f"{self.name}-{self.transport}-{self.port}-{self.payloads[0][1][:12].hex()}"


def client(*payloads: bytes) -> Payloads:
    return tuple((CLIENT, payload) for payload in payloads)


def server(*payloads: bytes) -> Payloads:
    return tuple((SERVER, payload) for payload in payloads)


def tcp(name: str, payloads: Payloads, port: int = ANY_PORT) -> Example:
    return Example(name, TCP, payloads, port)


def udp(name: str, payloads: Payloads, port: int = ANY_PORT) -> Example:
    return Example(name, UDP, payloads, port)


def dns_name(name: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".")) + b"\0"


def dns(flags: int, question: str = "www.example.org", answers: bytes = b"", counts: int = 0) -> bytes:
    header = struct.pack(">6H", 0xBEEF, flags, 1, counts, 0, 0)
    return header + dns_name(question) + b"\0\x01\0\x01" + answers


def netbios(name: bytes) -> bytes:
    letters = b"".join(bytes((0x41 + (byte >> 4), 0x41 + (byte & 15))) for byte in name.ljust(16))
    return b"\x20" + letters + b"\0"


def ber(tag: int, content: bytes, long: int = 0) -> bytes:
    if long:
        return bytes((tag, 0x80 + long)) + len(content).to_bytes(long) + content
    return bytes((tag, len(content))) + content


def rpc_call(program: int, version: int = 3, procedure: int = 0) -> bytes:
    return struct.pack(">10I", 0x7C12AF6E, 0, 2, program, version, procedure, 0, 0, 0, 0)


RPC_REPLY = struct.pack(">6I", 0x7C12AF6E, 1, 0, 0, 0, 0)


def record(message: bytes) -> bytes:
    return struct.pack(">I", 0x80000000 | len(message)) + message


def size_before(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


def size16_before(message: bytes) -> bytes:
    return struct.pack(">H", len(message)) + message


def rtp(seq: int, kind: int = 0, source: int = 0x1234ABCD) -> bytes:
    return struct.pack(">BBHII", 0x80, kind, seq, 160 * seq, source) + bytes(range(160))


def kerberos(tag: int, long: int, first: int) -> bytes:
    version = bytes((first, 3, 2, 1, 5))
    return ber(tag, ber(0x30, version + bytes(120 if long else 40), long), long)


def kafka(key: int, version: int, client_id: bytes | None, body: bytes = bytes(8)) -> bytes:
    name = b"\xff\xff" if client_id is None else size16_before(client_id)
    return size_before(struct.pack(">hhi", key, version, 7) + name + body)


def thrift(kind: int, name: bytes) -> bytes:
    return b"\x80\x01\0" + bytes((kind,)) + size_before(name) + bytes(5)


def mongo(opcode: int, body: bytes) -> bytes:
    return struct.pack("<4i", 16 + len(body), 1, 0, opcode) + body


def dhcp(op: int, options: bytes) -> bytes:
    return bytes((op, 1, 6, 0)) + b"\x12\x34\x56\x78" + bytes(228) + options


def isakmp(version: int, exchange: int, size: int = 60) -> bytes:
    head = b"initiate" + b"respond!" + bytes((33, version, exchange, 8)) + bytes(4)
    return head + struct.pack(">I", size) + bytes(size - 28)


def radius(code: int) -> bytes:
    return bytes((code, 9)) + struct.pack(">H", 40) + bytes(range(36))


TLS_HELLO = b"\x16\x03\x01\0\x80\x01\0\0\x7c\x03\x03" + bytes(range(121))
MYSQL_GREETING = b"\x4a\0\0\0\x0a8.0.36\0" + bytes(66)
MYSQL_RESPONSE = b"\x52\0\0\x01\x8d\xa6\xff\x09\0\0\0\x01\xff" + bytes(23) + b"root\0" + bytes(40)
NTP_REQUEST = b"\x23\0\6\xec" + bytes(36) + b"\xe9\x11\x22\x33\x44\x55\x66\x77"
NTP_RESPONSE = b"\x24\2\6\xe8\0\0\x0a\xae\0\0\3\xfe" + bytes(range(36))
ZOOKEEPER_CONNECT = struct.pack(">IIQIQI", 45, 0, 0, 30000, 0, 16) + bytes(17)
DCERPC_BIND = b"\x05\0\x0b\3\x10\0\0\0\xa0\0\0\0\2\0\0\0" + bytes(144)
X11_LITTLE = b"l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1"
X11_BIG = b"B\0\0\x0b\0\0\0\x12\0\x10\0\0MIT-MAGIC-COOKIE-1"
LDAP_BIND = ber(0x30, b"\2\1\1" + ber(0x60, b"\2\1\3\4\0\x80\0"))
LDAP_SEARCH = ber(0x30, b"\2\2\1\1" + ber(0x63, bytes(100), 4), 4)
SNMP_GET = ber(0x30, b"\2\1\1" + ber(4, b"public") + ber(0xA0, bytes(20)))
SNMP_V3 = ber(0x30, b"\2\1\3" + ber(0x30, b"\2\1\7\2\2\5\xdc\4\1\4\2\1\3") + ber(4, bytes(120), 1), 1)
CALL = b"sip:alice@example.org SIP/2.0\r\n"
OPENVPN_SESSION = b"sessions"
TDS_PRELOGIN = b"\x12\1\0\x2f\0\0\1\0\0\0\x1a\0\6\1\0\x20\0\1\2\0\x21\0\1\xff" + bytes(30)

EXAMPLES = (
    tcp("amqp", client(b"AMQP\0\0\x09\1")),
    tcp("amqp", client(b"AMQP\3\1\0\0")),
    tcp("amqp", server(b"\1\0\0\0\0\1\xf0\0\x0a\0\x0a\0\x09")),
    tcp("amqp", client(b"\x08\0\0\0\0\0\0\xce"), 5672),
    udp("babel", client(b"\x2a\2\0\4\4\2\0\0"), 6696),
    tcp("bgp", client(b"\xff" * 16 + b"\0\x1d\1\4\xfe\x09\0\xb4\xc0\0\2\1\0")),
    tcp("bgp", server(b"\xff" * 16 + b"\0\x13\4")),
    udp("bt-dht", client(b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe")),
    udp("bt-dht", client(b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re")),
    udp("bt-dht", client(b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee")),
    udp("bt-dht", client(b"d2:ip6:abcdef1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re")),
    udp("bt-dht", client(b"d2:ip18:abcdefghijklmnopqr1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re")),
    tcp("bittorrent", client(b"\x13BitTorrent protocol" + bytes(48))),
    udp("cflow", client(b"\0\5\0\1" + bytes(20 + 48)), 2055),
    udp("cflow", client(b"\0\x09\0\2" + bytes(60)), 2055),
    udp("cflow", client(b"\0\x0a\0\x20" + bytes(28)), 4739),
    udp("cldap", client(LDAP_SEARCH), 389),
    udp("coap", client(b"\x44\1\x84\x9e\x51\x55\x77\xe8\xb2hi"), 5683),
    tcp("cql", client(b"\4\0\0\0\5\0\0\0\0")),
    tcp("cql", client(b"\4\0\0\0\1\0\0\0\x16\0\1\0\x0bCQL_VERSION\0\x053.0.0")),
    tcp("cql", client(b"\4\0\0\1\7\0\0\0\x17\0\0\0\x0bSELECT now()"), 9042),
    tcp("cql", server(b"\x84\0\0\1\x08\0\0\0\x20" + bytes(32)), 9042),
    udp("db-lsp-disc", client(b'{"host_int": 1410051, "version": [1, 8], "displayname": ""'), 17500),
    udp("db-lsp-disc", client(b'{"version": [2, 0], "port": 17500, "host_int": 2387})')),
    tcp("dcerpc", client(DCERPC_BIND)),
    tcp("dcerpc", server(b"\5\0\x0c\3\0\0\0\0\0\x48\0\0\0\0\0\2" + bytes(56))),
    udp("dhcp", client(dhcp(1, b"\x63\x82\x53\x63\x35\1\1\xff")), 67),
    udp("dhcp", client(dhcp(2, b"\x63\x82\x53\x63\x35\1\2\xff"))),
    udp("dhcp", client(dhcp(1, bytes(64))), 67),
    udp("dhcpv6", client(b"\1\xb5\xa4\x38\0\x08\0\2\1\x2c\0\1\0\x0e"), 547),
    udp("dhcpv6", client(b"\x0c\0" + bytes(32) + b"\0\x09\0\4abcd"), 547),
    tcp("diameter", client(b"\1\0\0\xc8\x80\0\1\1\0\0\0\0" + bytes(188))),
    tcp("diameter", client(b"\1\0\0\x54\xc0\0\1\x3c\1\0\0\x23" + bytes(72)), 3868),
    tcp("dnp3", client(b"\5\x64\x08\xc4\x28\x2e\xb7\xe6\x31\x83\xc0"), 20000),
    tcp("dnp3", client(b"\5\x64\x08\xc4\1\0\2\0\x31\x83\xc0") + server(b"\5\x64\x0a\x44\2\0\1\0\xaa\xbb")),
    udp("dns", client(dns(0x0100)), 53),
    udp("dns", client(dns(0x0100))),
    udp("dns", client(dns(0x8180, answers=b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1", counts=1))),
    udp("dns", client(dns(0x2800)), 53),
    udp("dns", client(b"\xbe\xef\x81\x81" + bytes(8)), 53),
    tcp("dns", client(size16_before(dns(0x0100)))),
    tcp("dns", client(size16_before(dns(0x0100, "a." * 40 + "example.org")))),
    tcp("dns", client(size16_before(dns(0x2400))), 53),
    tcp("dns", client(size16_before(b"\xbe\xef\x84\0\0\0\xff\xff\0\0\0\0" + bytes(99))), 53),
    udp("dtls", client(b"\x16\xfe\xfd" + bytes(8) + b"\0\xa8\1" + bytes(167))),
    udp("dtls", server(b"\x17\xfe\xff\0\1" + bytes(6) + b"\0\x20" + bytes(32))),
    tcp("ftp", server(b"220 ProFTPD 1.3.0a Server\r\n")),
    tcp("ftp", server(b"220 ready\r\n"), 21),
    tcp("ftp", server(b"220-ready\r\n") + client(b"USER anonymous\r\n")),
    tcp("ftp", server(b"421 Too many connections\r\n"), 21),
    tcp("ftp", server(b"220 ") + client(b"auth tls\r\n")),
    udp("geneve", client(b"\0\0\x65\x58\0\0\x7b\0" + bytes(64)), 6081),
    tcp("git", client(b"0033git-upload-pack /project.git\0host=myserver.com\0")),
    udp("gtp", client(b"\x30\xff\0\x1c\0\0\0\x17" + bytes(28)), 2152),
    udp("gtp", client(b"\x32\1\0\4\0\0\0\0\0\7\0\0") + server(b"\x32\2\0\6\0\0\0\0\0\7\0\0\x0e\1")),
    udp("gtpv2", client(b"\x48\x20\0\x0c\0\0\0\0" + bytes(8)), 2123),
    tcp("http", client(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")),
    tcp("http", client(b"POST http://example.org/ HTTP/1.0\r\n\r\n"), 3128),
    tcp("http", client(b"PROPFIND /dav/ HTTP/1.1\r\n\r\n")),
    tcp("http", client(b"OPTIONS * HTTP/1.1\r\n\r\n")),
    tcp("http", client(b"CONNECT example.org:443 HTTP/1.1\r\n\r\n")),
    tcp("http", server(b"HTTP/1.1 200 OK\r\n\r\n")),
    tcp("http", client(b"BREW pot-1 HTTP/1.1\r\n\r\n"), 80),
    tcp("http2", client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")),
    tcp("http2", server(b"\0\0\6\4\0\0\0\0\0\0\5\0\0\x40\0")),
    tcp("http2", client(b"\0\0\x82\1\4\0\0\0\1\x83\x86Eaa&")),
    tcp("http2", server(b"\0\0\x09\1\x24\0\0\0\3\0\0\0\0\x0f\x88abcd")),
    tcp("http2", server(b"\0\0\0\4\0\0\0\0\0"), 50051),
    tcp("http2", server(b"\0\0\0\4\1\0\0\0\0"), 50051),
    tcp("iec60870_104", client(b"\x68\4\7\0\0\0")),
    tcp("iec60870_104", client(b"\x68\x0e\0\0\0\0\1\1\x0f\1\0\1\0\0\0\0"), 2404),
    tcp("imap", server(b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n")),
    tcp("imap", server(b"* PREAUTH ready\r\n")),
    tcp("imap", client(b"a001 LOGIN alice secret\r\n"), 143),
    tcp("imap", server(b"* 12 EXISTS\r\n"), 143),
    tcp("irc", client(b"NICK alice\r\nUSER alice 0 * :Alice\r\n")),
    tcp("irc", client(b"CAP LS 302\r\n") + server(b":irc.example.org CAP * LS :sasl\r\n")),
    tcp("irc", client(b"NICK alice\r\n") + server(b":irc.example.org NOTICE * :*** Looking up\r\n")),
    tcp("irc", server(b"NOTICE AUTH :*** Looking up\r\n")),
    tcp("irc", server(b":irc.example.org 001 alice :Welcome\r\n"), 6667),
    tcp("irc", client(b"PASS secret\r\n"), 6667),
    udp("isakmp", client(isakmp(0x20, 34)), 500),
    udp("isakmp", client(isakmp(0x10, 2))),
    udp("isakmp", client(bytes(4) + isakmp(0x20, 34)), 4500),
    tcp("kafka", client(kafka(18, 3, b"admin-1"))),
    tcp("kafka", client(kafka(3, 1, None)), 9092),
    tcp("kafka", client(kafka(3, 1, b"")), 9092),
    tcp("kafka", server(size_before(b"\0\0\0\7" + bytes(60))), 9092),
    tcp("kerberos", client(size_before(kerberos(0x6A, 0, 0xA1)))),
    tcp("kerberos", server(size_before(kerberos(0x7E, 1, 0xA0)))),
    udp("kerberos", client(kerberos(0x6C, 2, 0xA1)), 88),
    udp("l2tp", client(b"\xc8\2\0\x14" + bytes(16)), 1701),
    udp("l2tp", client(b"\xc8\2\0\x14" + bytes(16)) + server(b"\xc8\2\0\x0c" + bytes(8))),
    udp("l2tp", client(b"\0\2\0\1\0\1\xff\3\xc0\x21"), 1701),
    tcp("ldap", client(LDAP_BIND)),
    tcp("ldap", client(LDAP_SEARCH)),
    tcp("ldap", client(ber(0x30, b"\2\1\3" + ber(0x42, b"")))),
    udp("llmnr", client(dns(0, "isatap")), 5355),
    udp("llmnr", client(dns(0x0400, "isatap")), 5355),
    udp("lsd", client(b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\n"), 6771),
    udp("mdns", client(dns(0, "_googlecast._tcp.local")), 5353),
    udp("mdns", client(struct.pack(">6H", 0, 0x8400, 0, 1, 0, 2) + dns_name("a.local") + bytes(20)), 5353),
    tcp("memcached", client(b"get key\r\n"), 11211),
    tcp("memcached", client(b"set key 0 0 5\r\nhello\r\n") + server(b"STORED\r\n")),
    tcp("memcached", client(b"\x80\0\0\3\0\0\0\0\0\0\0\3" + bytes(12)), 11211),
    tcp("memcached", client(b"\x80\0\0\3" + bytes(20)) + server(b"\x81\0\0\0\4\0\0\1" + bytes(16))),
    udp("memcached", client(b"\0\1\0\0\0\1\0\0stats\r\n"), 11211),
    tcp("modbus", client(b"\0\1\0\0\0\6\1\3\0\0\0\x0a"), 502),
    tcp("modbus", client(b"\0\1\0\0\0\6\1\3\0\0\0\x0a") + server(b"\0\1\0\0\0\3\1\x83\2")),
    tcp("mongo", client(mongo(2013, bytes(4) + b"\0" + bytes(40)))),
    tcp("mongo", client(mongo(2004, bytes(4) + b"admin.$cmd\0" + bytes(40)))),
    tcp("mongo", server(mongo(1, b"\x08\0\0\0" + bytes(60))), 27017),
    tcp("mqtt", client(b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4test")),
    tcp("mqtt", client(b"\x10\x90\1\0\4MQTT\5\2\0\x3c" + bytes(130))),
    tcp("mqtt", client(b"\x10\x12\0\6MQIsdp\3\2\0\x3c\0\4test")),
    tcp("mqtt", server(b"\x20\2\0\0"), 1883),
    tcp("mysql", server(MYSQL_GREETING)),
    tcp("mysql", server(b"\x4a\0\0\0\x0a5.5.5-10.11.6-MariaDB\0" + bytes(66))),
    tcp("mysql", client(MYSQL_RESPONSE), 3306),
    tcp("mysql", server(b"\x17\0\0\0\xff\x10\x04Too many connections"), 3306),
    tcp("nats", server(b'INFO {"server_id":"NDTR3Z"}\r\n')),
    tcp("nats", client(b'CONNECT {"verbose":false}\r\n')),
    tcp("nats", client(b"PUB subject 2\r\nhi\r\n"), 4222),
    udp("nbdgm", client(b"\x11\2\xd3\x3d\xc0\xa8\1\x7c\0\x8a\0\x9f\0\0" + netbios(b"HOST") * 2), 138),
    udp("nbdgm", client(b"\x13\2\xd3\x3d\xc0\xa8\1\x7c\0\x8a\x82"), 138),
    udp("nbns", client(b"\xd3\x39\1\x10\0\1\0\0\0\0\0\0" + netbios(b"WORKGROUP") + b"\0\x20\0\1"), 137),
    udp("nbns", client(b"\x7d\x19\x29\x10\0\1\0\0\0\0\0\1" + netbios(b"HOST") + b"\0\x20\0\1" + bytes(16))),
    udp("nbns", server(b"\x7d\x19\x85\0\0\0\0\1\0\0\0\0" + netbios(b"HOST") + b"\0\x20\0\1" + bytes(12))),
    udp("nbns", client(b"\x7d\x19\0\x10\0\1\0\0\0\0\0\0\1*\0\0\x21\0\1"), 137),
    tcp("nfs", client(record(rpc_call(100003)))),
    udp("nfs", client(rpc_call(100003))),
    udp("nfs", server(RPC_REPLY), 2049),
    tcp("nfs", server(record(RPC_REPLY)), 2049),
    tcp("nntp", server(b"200 news.example.org InterNetNews NNRP server (NNTP) ready\r\n")),
    tcp("nntp", server(b"201 no posting\r\n"), 119),
    tcp("nntp", server(b"200 welcome\r\n") + client(b"MODE READER\r\n")),
    tcp("nntp", server(b"400 not now\r\n"), 119),
    udp("ntp", client(NTP_REQUEST), 123),
    udp("ntp", client(NTP_REQUEST) + server(NTP_RESPONSE)),
    udp("ntp", client(NTP_REQUEST + bytes(24)), 123),
    udp("ntp", client(b"\x16\2\0\1" + bytes(8)), 123),
    udp("ntp", client(b"\x17\0\3\x2a" + bytes(4)), 123),
    udp("openvpn", client(b"\x38" + OPENVPN_SESSION + bytes(5))),
    udp("openvpn", server(b"\x40" + OPENVPN_SESSION + b"\1\0\0\0\0" + OPENVPN_SESSION + bytes(4))),
    udp("openvpn", client(b"\x38" + OPENVPN_SESSION + bytes(range(45))), 1194),
    tcp("openvpn", client(b"\0\x36\x38" + OPENVPN_SESSION + bytes(range(45))), 1194),
    tcp(
        "openvpn",
        client(b"\0\x36\x38" + OPENVPN_SESSION + bytes(45))
        + server(b"\0\x42\x40" + OPENVPN_SESSION + bytes(57)),
    ),
    udp("pfcp", client(b"\x20\5\0\x0c\0\0\1\0" + bytes(8)), 8805),
    udp("pfcp", client(b"\x20\1\0\x0c" + bytes(12)) + server(b"\x20\2\0\x0c" + bytes(12))),
    tcp("pgsql", client(b"\0\0\0\x21\0\3\0\0user\0alice\0database\0shop\0\0")),
    tcp("pgsql", client(b"\0\0\0\x08\4\xd2\x16\x2f") + server(b"S")),
    tcp("pgsql", client(b"\0\0\0\x10\4\xd2\x16\x2e\0\0\1\0\0\0\2\0")),
    tcp("pgsql", server(b"R\0\0\0\x08\0\0\0\5abcd"), 5432),
    tcp("pgsql", client(b"Q\0\0\0\x0dSELECT 1\0"), 5432),
    tcp("pop", server(b"+OK Dovecot ready.\r\n"), 110),
    tcp("pop", server(b"+OK Dovecot ready.\r\n") + client(b"CAPA\r\n")),
    tcp("pop", server(b"-ERR busy\r\n"), 110),
    udp("portmap", client(rpc_call(100000, 2, 3))),
    tcp("portmap", server(record(RPC_REPLY)), 111),
    udp("quic", client(b"\xc3\0\0\0\1\x08abcdefgh\0\0\x44" + bytes(1180)), 443),
    udp("quic", server(b"\xc3\x6b\x33\x43\xcf\0\x08abcdefgh\0\x44" + bytes(1180))),
    udp("quic", client(b"\xff\xff\0\0\x1d\x08abcdefgh" + bytes(1200))),
    udp("quic", client(b"\x0dabcdefghQ043\1" + bytes(1330))),
    udp("quic", client(b"\xc3Q050\x08abcdefgh" + bytes(1330))),
    udp("quic", client(b"\xc3Q046\x50abcdefgh" + bytes(1330))),
    udp("quic", server(b"\xaa\0\0\0\0\x08abcdefgh\x08ABCDEFGH\0\0\0\1"), 443),
    udp("quic", client(b"\x5fabcdefgh" + bytes(range(40))), 443),
    udp("radius", client(radius(1)), 1812),
    udp("radius", client(radius(1)) + server(radius(2))),
    tcp("rdp", client(b"\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0")),
    tcp("rdp", client(b"\3\0\0\x2b\x26\xe0\0\0\0\0\0Cookie: mstshash=alice\r\n\1\0\x08\0\3\0\0\0")),
    tcp("rdp", client(b"\3\0\0\x0b\6\xe0\0\0\0\0\0"), 3389),
    tcp("rdp", server(b"\3\0\0\x0b\6\xd0\0\0\x12\x34\0"), 3389),
    tcp("redis", client(b"*3\r\n$3\r\nSET\r\n$4\r\nkey3\r\n$2\r\nme\r\n")),
    tcp("redis", client(b"*12\r\n$10\r\nSISMEMBERS\r\n")),
    tcp("redis", client(b"PING\r\n") + server(b"+PONG\r\n")),
    tcp("redis", server(b":1000\r\n"), 6379),
    tcp("redis", server(b"+QUEUED\r\n"), 6379),
    udp("rip", client(b"\1\1\0\0" + bytes(20)), 520),
    udp("rip", client(b"\2\2\0\0" + bytes(40)), 520),
    udp("rip", client(b"\2\2\0\0\xff\xff\0\3" + bytes(16 + 20 + 4 + 16)), 520),
    udp("ripng", client(b"\1\1\0\0" + bytes(20)), 521),
    tcp("rpc", client(record(rpc_call(100005)))),
    udp("rpc", client(rpc_call(100232, 10, 1))),
    tcp("rsync", server(b"@RSYNCD: 31.0\n")),
    udp("rtcp", client(b"\x80\xc8\0\6" + bytes(24))),
    udp("rtcp", client(b"\x81\xc9\0\7" + bytes(28))),
    tcp("rtmp", client(b"\3\1\2\3\4\0\0\0\0" + bytes(range(200))), 1935),
    tcp("rtmp", client(b"\3\1\2\3\4\0\0\0\0" + bytes(range(9))) + server(b"\3\5\6\7\x08\0\0\0\0" + bytes(9))),
    tcp("rtmp", client(b"\3\1\2\3\4\x80\0\7\2" + bytes(9)), 1935),
    udp("rtp", client(rtp(65534), rtp(65535), rtp(0))),
    udp("rtp", client(b"\0\0\0\0", rtp(7, 0x80 | 96), rtp(8, 96), rtp(10, 96))),
    tcp("rtsp", client(b"OPTIONS rtsp://example.org/media RTSP/1.0\r\n")),
    tcp("rtsp", client(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")),
    tcp("rtsp", server(b"RTSP/1.0 200 OK\r\n")),
    udp("sflow", client(b"\0\0\0\5\0\0\0\1\x0a\0\0\1" + bytes(40)), 6343),
    udp("sip", client(b"INVITE " + CALL)),
    udp("sip", client(b"REGISTER sips:example.org SIP/2.0\r\n")),
    udp("sip", server(b"SIP/2.0 180 Ringing\r\n")),
    udp("sip", client(b"INVITE tel:+123456789 SIP/2.0\r\n")),
    udp("sip", client(b"JUMP " + CALL), 5060),
    tcp("sip", client(b"OPTIONS " + CALL)),
    tcp("smb", client(b"\0\0\0\x9b\xffSMB\x72" + bytes(31))),
    tcp("smb", client(b"\0\0\0\xe0\xfeSMB\x40" + bytes(59))),
    tcp("smb", client(b"\x81\0\0\x44" + netbios(b"SERVER") + netbios(b"HOST"))),
    tcp("smb", server(b"\x82\0\0\0"), 139),
    tcp("smtp", server(b"220 mail.example.org ESMTP Postfix\r\n")),
    tcp("smtp", server(b"220 mail.example.org\r\n"), 25),
    tcp("smtp", server(b"220 hello\r\n") + client(b"EHLO client.example.org\r\n")),
    tcp("smtp", server(b"220 hello\r\n") + client(b"helo client\r\n")),
    tcp("smtp", server(b"554 go away\r\n"), 25),
    tcp("smtp", client(b"QUIT\r\n"), 587),
    udp("snmp", client(SNMP_GET), 161),
    udp("snmp", client(SNMP_GET)),
    udp("snmp", client(SNMP_V3)),
    tcp("socks", client(b"\5\2\0\1"), 1080),
    tcp("socks", client(b"\5\1\0") + server(b"\5\0")),
    tcp("socks", client(b"\4\1\0\x50\x5d\xb8\xd8\x77\0") + server(b"\0\x5a\xdf\xb2\x0a\xb4\x9c\xf9")),
    udp("ssdp", client(b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"), 1900),
    udp("ssdp", client(b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n")),
    udp("ssdp", server(b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n"), 1900),
    tcp("ssh", server(b"SSH-2.0-OpenSSH_9.4\r\n")),
    tcp("ssh", client(b"SSH-1.99-OpenSSH\r\n")),
    udp("statsd", client(b"requests.count:1|c"), 8125),
    udp("statsd", client(b"response.time:320|ms|@0.1"), 8125),
    tcp("stratum", client(b'{"id":1,"method":"mining.subscribe","params":["cgminer/4.11.1"]}\n')),
    tcp("stratum", client(b'{"id":1,"jsonrpc":"2.0","method":"eth_submitLogin","params":[]}\n')),
    udp("stun", client(b"\0\1\0\x08\x21\x12\xa4\x42" + bytes(12) + b"\0\3\0\4\0\0\0\0")),
    tcp("stun", client(b"\0\3\0\x08\x21\x12\xa4\x42" + bytes(12) + b"\0\x19\0\4\x11\0\0\0")),
    udp("stun", client(b"\0\1\0\0" + bytes(range(16))), 3478),
    udp("stun", client(b"\x40\1\0\5hello\0\0\0"), 3478),
    udp("syslog", client(b"<34>Oct 11 22:14:15 mymachine su: failed"), 514),
    udp("syslog", client(b"<165>1 2003-08-24T05:14:15Z 192.0.2.1 myproc - - - hi")),
    udp("syslog", client(b"<5>anything"), 514),
    tcp("tacplus", client(b"\xc0\1\1\0\x8f\xfd\x55\xa9\0\0\0\x17" + bytes(23)), 49),
    tcp(
        "tacplus",
        client(b"\xc0\1\1\0\x8f\xfd\x55\xa9\0\0\0\x17" + bytes(23))
        + server(b"\xc0\1\2\0\x8f\xfd\x55\xa9\0\0\0\x2b" + bytes(43)),
    ),
    tcp("tds", client(TDS_PRELOGIN)),
    tcp("tds", client(b"\1\1\0\x40\0\0\1\0" + bytes(56)), 1433),
    tcp("telnet", server(b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23")),
    tcp("telnet", server(b"\xff\xfb\1"), 23),
    tcp("telnet", server(b"login: "), 23),
    udp("teredo", client(b"\x60\0\0\0\0\0\x3b\x15" + bytes(32)), 3544),
    udp("teredo", client(b"\0\1\0\0" + bytes(60)), 3544),
    udp("tftp", client(b"\0\1boot.img\0octet\0tsize\x000\0"), 69),
    udp("tftp", client(b"\0\2config\0NetASCII\0")),
    udp("tftp", client(b"\0\1boot.img\0"), 69),
    udp("tftp", server(b"\0\3\0\1" + bytes(512)) + client(b"\0\4\0\1")),
    udp("tftp", server(b"\0\6tsize\x00016384\0") + client(b"\0\4\0\0")),
    udp("tftp", server(b"\0\5\0\1File Not Found\0")),
    tcp("thrift", client(thrift(1, b"getUser"))),
    tcp("thrift", client(size_before(thrift(1, b"service:getUser")))),
    tcp("thrift", client(size_before(b"\x82\x21\1\7getUser\0")), 9090),
    tcp("thrift", client(b"\x82\x21\1\7getUser\0"), 9090),
    tcp("tls", client(TLS_HELLO)),
    tcp("tls", server(b"\x15\3\3\0\2\2\x28")),
    tcp("tls", server(b"\x14\3\3\0\1\1")),
    tcp("tls", server(b"\x17\3\3\0\x40" + bytes(range(64)))),
    tcp("tls", client(b"\x80\x2e\1\3\1\0\x15\0\0\0\x10" + bytes(range(37)))),
    tcp("tns", client(b"\0\xcb\0\0\1\0\0\0\1\x39\1\x2c\0\0\x08\0" + bytes(42) + b"(DESCRIPTION=")),
    tcp("tns", server(b"\0\x20\0\0\2\0\0\0\1\x39\0\0" + bytes(20)), 1521),
    tcp("vnc", server(b"RFB 003.008\n")),
    udp("vxlan", client(b"\x08\0\0\0\0\0\x7b\0" + bytes(60)), 4789),
    udp("vxlan", client(b"\x0c\0\0\4\0\0\x7b\0" + bytes(60)), 4790),
    udp("wireguard", client(b"\1\0\0\0" + bytes(range(144)))),
    udp("wireguard", server(b"\2\0\0\0" + bytes(range(88)))),
    udp("wireguard", client(b"\4\0\0\0" + bytes(range(28))), 51820),
    udp("wireguard", client(b"\4\0\0\0" + bytes(range(28))) + server(b"\4\0\0\0" + bytes(range(60)))),
    udp("wsd", client(b'<?xml version="1.0" encoding="utf-8"?><soap:Envelope'), 3702),
    udp("wsd", client(b"<s:Envelope xmlns:s="), 3702),
    tcp("x11", client(X11_LITTLE)),
    tcp("x11", client(X11_BIG)),
    tcp("xmpp", client(b"<?xml version='1.0'?><stream:stream to='example.org'")),
    tcp("xmpp", client(b"<stream:stream to='example.org'")),
    tcp("xmpp", client(b"<?xml version='1.0'?>"), 5222),
    tcp("zookeeper", client(ZOOKEEPER_CONNECT)),
    tcp("zookeeper", server(b"\0\0\0\x25" + bytes(4) + b"\0\0\x75\x30" + bytes(28)), 2181),
    tcp("zookeeper", client(b"ruok"), 2181),
    # Named by their ports alone.
    tcp("ftp-data", server(b"drwxr-xr-x 2 ftp ftp"), 20),
    udp("udpencap", client(b"\xc0\xf7\xd4\xc3" + bytes(range(80))), 4500),
)

COUNTEREXAMPLES = (
    tcp("amqp", client(b"AMQP\x09\0\0\1"), 5672),
    udp("babel", client(b"\x2a\1\0\4\4\2\0\0"), 6696),
    tcp("bgp", client(b"\xff" * 15 + b"\0\0\x1d\1" + bytes(20)), 179),
    tcp("bgp", client(b"\xff" * 16 + b"\0\x12\1" + bytes(20)), 179),
    udp("bt-dht", client(b"d1:ad2:id19:abcdefghij012345678"), 6881),
    tcp("bittorrent", client(b"\x13bittorrent protocol"), 6881),
    udp("cflow", client(b"\0\5\0\2" + bytes(20 + 49)), 2055),
    udp("cldap", client(b"\x30\x20\2\1\1\x81" + bytes(30)), 389),
    udp("coap", client(b"\x84\1\x84\x9e"), 5683),
    udp("coap", client(b"\x4f\1\x84\x9e"), 5683),
    tcp("cql", client(b"\x14\0\0\0\5\0\0\0\0"), 9042),
    udp("db-lsp-disc", client(b'{"version": [2, 0], "port": 17500}'), 17500),
    tcp("dcerpc", client(b"\5\0\x0b\3\x10\0\0\0\x0f\0\0\0" + bytes(20)), 135),
    tcp("dcerpc", client(b"\5\0\x21\3\x10\0\0\0\xa0\0\0\0" + bytes(20)), 135),
    udp("dhcp", client(b"\3" + dhcp(1, b"\x63\x82\x53\x63")[1:]), 67),
    udp("dhcpv6", client(b"\xff\xb5\xa4\x38\0\x08\0\2"), 547),
    tcp("diameter", client(b"\2\0\0\xc8\x80\0\1\1\0\0\0\0"), 3868),
    tcp("dnp3", client(b"\5\x64\4\xc4\x28\x2e\xb7\xe6\x31\x83"), 20000),
    udp("dns", client(dns(0x0140)), 53),
    udp("dns", client(dns(0x7800)), 53),
    udp("dns", client(struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + b"\x41" + bytes(80))),
    udp("dns", client(struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + dns_name("a.b") + b"\0\1\0\x63")),
    udp("dns", client(struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + b"\x3fcut short")),
    tcp("dns", client(dns(0x0100)), 53),
    udp("dtls", client(b"\x16\3\3" + bytes(8) + b"\0\xa8\1" + bytes(167)), 4433),
    udp("dtls", client(b"\x13\xfe\xfd" + bytes(8) + b"\0\xa8\1" + bytes(167)), 4433),
    tcp("ftp", server(b"220 mail.example.org ESMTP Postfix\r\n")),
    tcp("ftp", server(b"hello\r\n"), 21),
    tcp("ftp-data", server(b"drwxr-xr-x 2 ftp ftp"), 30000),
    udp("geneve", client(b"\xc0\0\x65\x58\0\0\x7b\0" + bytes(64)), 6081),
    tcp("git", client(b"00x3git-upload-pack /project.git\0"), 9418),
    udp("gtp", client(b"\x30\xff\0\x1d\0\0\0\x17" + bytes(28)), 2152),
    udp("gtpv2", client(b"\x48\x20\0\x0d\0\0\0\0" + bytes(8)), 2123),
    tcp("http", client(b"GET key\r\n"), 80),
    tcp("http", client(b"get / HTTP/1.1\r\n"), 9999),
    tcp("http", client(b"\x16\3\1\0\x80\1\0\0\x7c\3\3" + bytes(40)), 80),
    tcp("http", server(b"HTTP/2 200 \r\n"), 80),
    tcp("http", server(b'127.0.0.1 - - [10/Oct/2000] "GET / HTTP/1.0" 200\n')),
    tcp("http2", client(b"PRI * HTTP/1.1\r\n\r\n"), 50051),
    tcp("http2", client(b"\0\0\0\4\0\0\0\0\0")),
    tcp("http2", server(b"\0\0\6\4\0\0\0\0\1\0\5\0\0\x40\0")),
    tcp("iec60870_104", client(b"\x68\3\7\0\0\0"), 2404),
    tcp("imap", client(b"* OK not from a client\r\n")),
    tcp("irc", client(b"HELO irc\r\n"), 6667),
    udp("isakmp", client(isakmp(0x20, 34) + b"x"), 500),
    udp("isakmp", client(isakmp(0x30, 34)), 500),
    tcp("kafka", client(kafka(18, 30, b"admin-1")), 9092),
    tcp("kafka", client(kafka(200, 3, b"admin-1")), 9092),
    tcp("kafka", client(kafka(18, 3, b"admin\n1"))),
    tcp("kafka", client(b"\0\0\x0c\0\0\0\0\0\1\0\0\0\0\7\x0a\5Alice")),
    tcp("kerberos", client(size_before(ber(0x6A, ber(0x30, b"\xa1\3\2\1\4" + bytes(30))))), 88),
    udp("kerberos", client(size_before(kerberos(0x6C, 1, 0xA1))), 88),
    udp("l2tp", client(b"\xc8\2\0\x15" + bytes(16)), 1701),
    tcp("ldap", client(SNMP_GET), 389),
    udp("llmnr", client(dns(0x2800, "isatap")), 5355),
    udp("lsd", client(b"BT-SEARCH * HTTP/1.0\r\n"), 6771),
    udp("mdns", client(dns(0x2800, "a.local")), 5353),
    udp("mdns", client(dns(0, "a.local")), 53),
    tcp("memcached", client(b"GET key\r\n"), 11211),
    tcp("modbus", client(b"\0\1\0\1\0\6\1\3\0\0\0\x0a"), 502),
    tcp("mongo", client(struct.pack("<4i", 15, 1, 0, 2013) + bytes(9)), 27017),
    tcp("mqtt", client(b"\x10\x10\0\4MQTX\4\2"), 1883),
    tcp("mysql", server(b"\x4a\0\0\1\x0a8.0.36\0" + bytes(66)), 3306),
    tcp("mysql", client(MYSQL_GREETING), 3306),
    tcp("nats", client(b"HELLO {\r\n"), 4222),
    udp("nbdgm", client(b"\x17\2\xd3\x3d" + bytes(20)), 138),
    udp("nbns", client(b"\xd3\x39\1\x70\0\1\0\0\0\0\0\0" + netbios(b"WORKGROUP") + b"\0\x20\0\1"), 137),
    tcp("nfs", client(record(rpc_call(100005))), 2049),
    udp("nfs", server(RPC_REPLY)),
    tcp("nntp", server(b"220 hello\r\n"), 119),
    udp("ntp", client(NTP_REQUEST)),
    udp("ntp", client(b"\x2b" + NTP_REQUEST[1:]), 123),
    udp("ntp", client(NTP_REQUEST[:47]), 123),
    udp("openvpn", client(b"\x38" + OPENVPN_SESSION + b"\0\0\0\0\1")),
    tcp("openvpn", client(b"\0\x36\x30" + OPENVPN_SESSION + bytes(45)), 1194),
    udp("pfcp", client(b"\x20\5\0\x0d\0\0\1\0" + bytes(8)), 8805),
    tcp("pgsql", client(b"\0\0\0\x21\0\2\0\0user\0alice\0"), 5432),
    tcp("pop", server(b"+OKAY\r\n"), 110),
    udp("portmap", client(rpc_call(100003)), 111),
    udp("quic", client(b"\x83\0\0\0\1\x08abcdefgh" + bytes(1200)), 443),
    udp("quic", client(b"\xc3\0\0\0\1\x15abcdefgh" + bytes(1200)), 443),
    udp("quic", client(b"\x5fabcdefgh" + bytes(range(40)))),
    udp("radius", client(radius(1) + b"x"), 1812),
    tcp("rdp", client(b"\3\0\0\x16\x11\xe0\0\0\0\1\0\xc1\2\1\0\xc2\2\1\2\xc0\1\x0a"), 102),
    tcp("redis", client(b"*x\r\n$3\r\nSET\r\n"), 6379),
    udp("rip", client(b"\2\2\0\1" + bytes(20)), 520),
    udp("rip", client(b"\2\2\0\0" + bytes(21)), 520),
    udp("ripng", client(b"\1\2\0\0" + bytes(20)), 521),
    udp("rpc", client(rpc_call(99999))),
    tcp("rpc", client(rpc_call(100005))),
    tcp("rsync", server(b"@ERROR: no\n"), 873),
    udp("rtcp", client(b"\x80\xc8\0\7" + bytes(28))),
    tcp("rtmp", client(b"\4\1\2\3\4\0\0\0\0"), 1935),
    udp("rtp", client(rtp(1), rtp(2))),
    udp("rtp", client(rtp(1), rtp(1), rtp(1))),
    udp("rtp", client(rtp(1), rtp(2, source=5), rtp(3), rtp(4, source=5), rtp(5), rtp(6, source=5))),
    udp("rtp", client(rtp(1, 72), rtp(2, 72), rtp(3, 72))),
    tcp("rtsp", client(b"OPTIONS * HTTP/1.1\r\n"), 554),
    udp("sflow", client(b"\0\0\0\5\0\0\0\3" + bytes(40)), 6343),
    udp("sip", client(b"INVITE alice\r\n\r\n"), 5060),
    tcp("smb", client(b"\0\0\0\x9b\xffSMC\x72" + bytes(31)), 445),
    tcp("smtp", server(b"220 ProFTPD\r\n") + client(b"USER alice\r\n")),
    tcp("smtp", client(b"EHLO\r\n")),
    udp("snmp", client(LDAP_BIND), 161),
    tcp("socks", client(b"\5\0\0"), 1080),
    tcp("socks", client(b"\5\1\0")),
    udp("ssdp", client(b"GET / HTTP/1.1\r\n"), 1900),
    tcp("ssh", server(b"SSH-3.0-x\r\n"), 22),
    tcp("ssh", server(b"Not allowed at this time\r\n"), 22),
    udp("statsd", client(b"hello world"), 8125),
    tcp("stratum", client(b'{"id":1,"method":"login","params":["x"]}\n'), 3333),
    udp("stun", client(b"\0\1\0\x09\x21\x12\xa4\x42" + bytes(20))),
    udp("stun", client(b"\x80\1\0\x08\x21\x12\xa4\x42" + bytes(20)), 3478),
    udp("syslog", client(b"<script>"), 514),
    tcp("tacplus", client(b"\xc2\1\1\0\x8f\xfd\x55\xa9\0\0\0\x17" + bytes(23)), 49),
    tcp("tds", client(b"\x13\1\0\x2f\0\0\1\0\0\0\x1a\0\6"), 1433),
    tcp("telnet", server(b"\xff\xff\xff\xff\xff\xff")),
    udp("teredo", client(b"\x45" + bytes(60)), 3544),
    udp("tftp", client(b"\0\7boot.img\0octet\0"), 69),
    udp("tftp", server(b"\0\3\0\1" + bytes(512))),
    tcp("thrift", client(thrift(5, b"getUser")), 9090),
    tcp("thrift", client(thrift(1, b"get User")), 9090),
    tcp("tls", client(b"\x16\3\5\0\x80\1\0\0\x7c" + bytes(40)), 443),
    tcp("tls", client(b"GET / HTTP/1.1\r\n\r\n"), 443),
    tcp("tls", client(b"\x16\3\1\0\x80\1\1\0\x7c" + bytes(40)), 443),
    tcp("tns", client(b"\0\xcb\0\1\1\0\0\0\1\x39\1\x2c"), 1521),
    udp("udpencap", client(b"\xc0\xf7\xd4\xc3" + bytes(range(80))), 4501),
    tcp("vnc", server(b"RFB 103.008\n"), 5900),
    udp("vxlan", client(b"\0\0\0\0\0\0\x7b\0" + bytes(60)), 4789),
    udp("wireguard", client(b"\1\0\0\0" + bytes(range(145))), 51820),
    udp("wireguard", client(b"\4\0\0\0" + bytes(range(28)))),
    udp("wsd", client(b"hello"), 3702),
    tcp("x11", client(b"l\0\x0c\0\0\0\x12\0\x10\0\0\0"), 6000),
    tcp("xmpp", client(b"<html>"), 5222),
    tcp("zookeeper", client(struct.pack(">IIQIQI", 45, 0, 0, 0, 0, 16) + bytes(17)), 2181),
)
