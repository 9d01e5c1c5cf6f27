"""Findings: what somebody who is good at this would say of the capture after an hour with its tables.

A rule (``rule.py``) looks at columns of finished tables and gives findings (``finding.py``): one for each
cause, not for each packet, with what it cost, the frames that prove it and what speaks against it. The engine
(``engine.py``) runs rules, says where the capture's own flaws (``quality.py``) make a finding uncertain, and
puts the costliest first. This layer knows nothing of reports: it sees tables through a protocol
(``facts.py``).

To add a rule:

1. A subclass of ``Rule`` in the file of its family, with a code that was never used before. Codes stay:
   people write them into configurations.
2. ``needs`` names the tables and columns that it reads, and the engine has these made and no others; a
   test watches that it reads nothing else.
3. Its threshold is a constant with the reason beside it. A healthy capture must yield nothing.
4. Name it in ``RULES`` of ``catalog.py``.
5. ``tests/findings``: a capture that shows it, and a healthy twin that does not.
6. ``python docs/generate.py`` writes ``docs/findings.md`` anew.

Tables of one row for each connection can have millions of rows: rules work on arrays, and make texts only
for what they report.
"""
