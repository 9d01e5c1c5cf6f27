"""LDAP in datagrams: how Windows hosts look for a domain controller (MS-ADTS section 6.3.3)."""

from __future__ import annotations

from netanalyze.apps.ldap import MESSAGES
from netanalyze.apps.protocol import UDP, Protocol

PROTOCOL = Protocol(
    name="cldap",
    title="Connectionless LDAP",
    transports=(UDP,),
    ports=frozenset({389}),
    signatures=MESSAGES,
)
